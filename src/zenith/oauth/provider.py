"""A provider of identities, as the flow sees it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import astuple, field
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.kernel.records import dataclass
from zenith.tokens import ALGORITHMS

ClientAuthentication: TypeAlias = Literal["basic", "post", "none", "apple"]
ResponseMode: TypeAlias = Literal["query", "form_post"]
Profile: TypeAlias = Literal["openid", "github", "discord"]
EmailTrust: TypeAlias = Literal["verified", "always", "microsoft"]

FACTOR: Final = "oauth"
"""The factor that a provider proves."""
ASYMMETRIC: Final = tuple(sorted(name for name in ALGORITHMS if not name.startswith("HS")))
"""A signature by a secret that the client shares proves nothing to others and mixes key kinds."""
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
RESERVED: Final = frozenset(
    {"api-keys", "confirm", "email", "factors", "forgot", "identities", "introspect", "login"}
    | {"logout", "me", "oauth", "passkeys", "password", "providers", "refresh", "register"}
    | {"reset", "revoke", "sessions", "totp", "verify"}
)
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_MAX_URL: Final = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoints:
    """Where a provider is talked to (RFC 8414 section 2)."""

    authorization: str
    token: str
    jwks: str = ""
    userinfo: str = ""
    pushed: str = ""
    """Where the application hands in what it asks for, before the browser comes (RFC 9126)."""
    end_session: str = ""
    """Where browsers sign out of the provider (OpenID Connect RP-Initiated Logout 1.0)."""
    issuer_in_response: bool = False
    """Whether each answer names its issuer (RFC 9207 section 3): then one without is refused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Provider:
    """Everything that is particular about one provider. Made by the settings of each.

    `issuer` and a subject together name an identity, for ever. `name` is part of paths.
    """

    name: str
    label: str
    issuer: str
    client_id: str
    client_secret: Secret | None = None
    client_authentication: ClientAuthentication = "basic"
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    profile: Profile = "openid"
    email_trust: EmailTrust = "verified"
    endpoints: Endpoints | None = None
    """Fixed ones; None: they are discovered."""
    discovery: str = ""
    """Where to discover; empty: at the issuer (OpenID Connect Discovery 1.0 section 4)."""
    issuer_template: str = ""
    """For providers of many tenants: the issuer with `{tenantid}` in place of the claim `tid`."""
    response_mode: ResponseMode = "query"
    algorithms: tuple[str, ...] = ASYMMETRIC
    extra: Mapping[str, str] = field(default_factory=dict[str, str])
    """Further parameters of the authorization request."""
    end_session: bool = False
    """Whether who signs out here is led to sign out there."""
    back_channel_logout: bool = False
    """Whether the provider may end sessions here (OpenID Connect Back-Channel Logout 1.0)."""
    team_id: str = ""
    key_id: str = ""
    """Apple alone: whose key signs the client's assertion."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in RESERVED:
            raise ConfigurationError(
                f"`{self.name[:40]}` cannot name a provider",
                fix="use lower-case letters, digits and `-`, and no word of a path below /auth",
            )
        if not self.client_id or not self.client_id.isprintable():
            raise ConfigurationError(
                f"oauth.{self.name}.client_id is empty", fix="set what the provider gave you"
            )
        check_url(self.issuer, setting=f"oauth.{self.name}.issuer")
        unknown = set(self.algorithms).difference(ASYMMETRIC)
        if unknown or not self.algorithms:
            raise ConfigurationError(
                f"oauth.{self.name}.algorithms has {', '.join(sorted(unknown)) or 'no entry'}",
                fix="choose among " + ", ".join(ASYMMETRIC),
            )
        if self.client_authentication != "none" and not self.client_secret:
            raise ConfigurationError(
                f"oauth.{self.name}.client_secret is not set", fix="set what the provider gave you"
            )

    @property
    def is_openid(self) -> bool:
        """Whether an ID token proves the identity."""
        return self.profile == "openid"

    @property
    def ends_sessions(self) -> bool:
        """Whether it must be known which sessions began there."""
        return self.end_session or self.back_channel_logout

    @property
    def discovery_url(self) -> str:
        """Where the endpoints are published."""
        issuer = self.issuer.rstrip("/")
        return self.discovery or f"{issuer}/.well-known/openid-configuration"

    @property
    def urls(self) -> tuple[str, ...]:
        """All that the settings name; what is discovered is not among them."""
        fixed = () if self.endpoints is None else astuple(self.endpoints)
        return tuple(filter(None, (self.issuer, self.discovery, *fixed)))


def check_url(url: str, *, setting: str) -> None:
    """Refuse an address of a provider that is not encrypted, or not only an address.

    Plain http is for a provider on this very machine (RFC 9700 section 2.6, ASVS 12.2.1).
    Raises ConfigurationError.
    """
    if not is_safe_url(url):
        raise ConfigurationError(
            f"{setting} is no https address",
            fix="write it as the provider does, such as https://id.example.org",
        )


def is_safe_url(url: str) -> bool:
    """Whether secrets may be sent there: https, or http to this machine itself."""
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > _MAX_URL:
        return False
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or port == 0 or parts.fragment or "@" in parts.netloc or "\\" in url:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)


def is_loopback(url: str) -> bool:
    """Whether this is plain http to this machine."""
    return url.startswith("http://")
