"""The request that a browser carries to a provider, and what is derived for it (RFC 7636)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Final
from urllib.parse import urlencode

from zenith.kernel.keys import b64encode, sign
from zenith.kernel.records import dataclass
from zenith.oauth.provider import Endpoints, Provider
from zenith.oauth.store import Purpose

MAX_VALUE: Final = 4096
MAX_PATH: Final = 2048
RANDOM: Final = re.compile(r"[A-Za-z0-9_-]{43}")
"""256 random bits in base64url: states, cookies, codes, and challenges by S256."""


@dataclass(frozen=True, slots=True, repr=False)
class FlowSecrets:
    """State of one sign-in, and the nonce and code verifier that follow from it.

    Threat: a code or an ID token of another sign-in, injected into this one (RFC 9700 sections 4.5
    and 4.7.1). Nonce and verifier are MACs of the state and the browser's cookie under the server's
    key: they are stored nowhere, and nobody else's browser leads to them.
    """

    state: str
    nonce: str
    verifier: str

    @classmethod
    def of(cls, key: bytes, *, state: str, browser: str) -> FlowSecrets:
        """Derive them; the same ones when the browser comes back."""
        return cls(
            state=state,
            nonce=sign(key, f"nonce:{state}:{browser}"),
            verifier=sign(key, f"verifier:{state}:{browser}"),
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AuthorizationAnswer:
    """What the browser brings back (RFC 6749 section 4.1.2, RFC 9207). Believed in nothing yet."""

    state: str = ""
    code: str = ""
    error: str = ""
    issuer: str | None = None

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> AuthorizationAnswer:
        """From query or form; whatever is too long counts as absent."""
        fields = {name: value for name, value in fields.items() if len(value) <= MAX_VALUE}
        return cls(
            state=fields.get("state", ""),
            code=fields.get("code", ""),
            error=fields.get("error", ""),
            issuer=fields.get("iss"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Why somebody leaves for a provider, and what is to happen afterwards."""

    purpose: Purpose = "sign-in"
    wanted: str = "/"
    challenge: str = ""
    account_id: str = ""
    session_id: str = ""
    extra: Mapping[str, str] = field(default_factory=dict[str, str])


def challenge_of(verifier: str) -> str:
    """The S256 code challenge (RFC 7636 section 4.2)."""
    return b64encode(hashlib.sha256(verifier.encode("utf-8", "surrogatepass")).digest())


def authorization_fields(
    provider: Provider, secrets: FlowSecrets, *, redirect_uri: str, extra: Mapping[str, str]
) -> dict[str, str]:
    """What is asked of the provider (RFC 6749 section 4.1.1)."""
    return {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(provider.scopes),
        "state": secrets.state,
        "code_challenge": challenge_of(secrets.verifier),
        "code_challenge_method": "S256",
        **({"nonce": secrets.nonce} if provider.is_openid else {}),
        **({"response_mode": "form_post"} if provider.response_mode == "form_post" else {}),
        **provider.extra,
        **extra,
    }


def authorization_url(endpoints: Endpoints, fields: Mapping[str, str]) -> str:
    """Where the browser is sent."""
    separator = "&" if "?" in endpoints.authorization else "?"
    return f"{endpoints.authorization}{separator}{urlencode(fields)}"


def local_path(text: str, default: str) -> str:
    """`text` if it is a path of this application, else `default`.

    Threat: an open redirect after the sign-in (RFC 9700 section 4.11, ASVS 3.7.2): two slashes,
    backslashes and control characters lead browsers to other hosts.
    """
    plain = len(text) <= MAX_PATH and text.isascii() and text.isprintable() and "\\" not in text
    return text if plain and text.startswith("/") and not text.startswith("//") else default
