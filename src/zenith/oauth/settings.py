"""Settings of sign-in with other providers: a section for each that is used."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.kernel.records import dataclass
from zenith.oauth.provider import ASYMMETRIC, Endpoints, Provider, is_loopback
from zenith.rate_limits.limit import parse_limits

ClientMethod: TypeAlias = Literal["basic", "post", "none"]
MAX_TIMEOUT: Final = 30.0
MAX_LIFETIME: Final = 1800.0
MICROSOFT: Final = "https://login.microsoftonline.com"
SHARED_TENANTS: Final = ("common", "organizations", "consumers")
_TENANT: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Google:
    """Sign in with Google."""

    client_id: str
    """As the Google Cloud console shows it."""

    client_secret: Secret
    """The secret beside it."""

    def provider(self) -> Provider:
        """As the flow sees it."""
        return Provider(
            name="google",
            label="Google",
            issuer="https://accounts.google.com",
            client_id=self.client_id,
            client_secret=self.client_secret,
            client_authentication="post",
            algorithms=("RS256",),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class GitHub:
    """Sign in with GitHub, which speaks OAuth without OpenID: its API tells who it is."""

    client_id: str
    """Of the OAuth app in GitHub's developer settings."""

    client_secret: Secret
    """The secret beside it."""

    def provider(self) -> Provider:
        """As the flow sees it."""
        return Provider(
            name="github",
            label="GitHub",
            issuer="https://github.com",
            client_id=self.client_id,
            client_secret=self.client_secret,
            client_authentication="post",
            scopes=("read:user", "user:email"),
            profile="github",
            endpoints=Endpoints(
                authorization="https://github.com/login/oauth/authorize",
                token="https://github.com/login/oauth/access_token",
                userinfo="https://api.github.com/user",
            ),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Microsoft:
    """Sign in with Microsoft Entra ID or a personal Microsoft account."""

    client_id: str
    """The application id in Entra."""

    client_secret: Secret
    """A client secret's value, not its id."""

    tenant: str = "common"
    """The id of one directory, which is best, or `common`, `organizations` or `consumers`."""

    trust_email_of_tenant: bool = False
    """Believe every e-mail address in this one directory. What is lost: whoever administers it can
    claim any address when a new account is made. Only for a single `tenant` that is yours."""

    end_session: bool = False
    """Lead who signs out here on to the provider's own sign-out (`end_session_endpoint`), so that
    the next one at the machine is not let in by one press of a button. Register
    `/auth/<name>/signed-out` there as an address to come back to."""

    def __post_init__(self) -> None:
        single = _TENANT.fullmatch(self.tenant) is not None
        if not single and self.tenant not in SHARED_TENANTS:
            raise ConfigurationError(
                "oauth.microsoft.tenant is neither a directory id nor a shared endpoint",
                fix="set the id in lower case, or one of " + ", ".join(SHARED_TENANTS),
            )
        if self.trust_email_of_tenant and not single:
            raise ConfigurationError(
                "oauth.microsoft.trust_email_of_tenant would trust every directory there is",
                fix="set oauth.microsoft.tenant to the id of your own directory",
            )

    def provider(self) -> Provider:
        """As the flow sees it."""
        base = f"{MICROSOFT}/{self.tenant}/v2.0"
        shared = self.tenant in SHARED_TENANTS
        return Provider(
            name="microsoft",
            label="Microsoft",
            issuer=base,
            issuer_template=f"{MICROSOFT}/{{tenantid}}/v2.0" if shared else "",
            client_id=self.client_id,
            client_secret=self.client_secret,
            client_authentication="post",
            email_trust="always" if self.trust_email_of_tenant else "microsoft",
            algorithms=("RS256",),
            end_session=self.end_session,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Apple:
    """Sign in with Apple. The client's secret is a short assertion, signed with your key."""

    client_id: str
    """The Services ID."""

    team_id: str
    """Ten characters, in the membership details."""

    key_id: str
    """Ten characters, of the key that may sign in."""

    private_key: Secret
    """The content of the key's .p8 file, line breaks included or written as \\n."""

    def provider(self) -> Provider:
        """As the flow sees it."""
        return Provider(
            name="apple",
            label="Apple",
            issuer="https://appleid.apple.com",
            client_id=self.client_id,
            client_secret=self.private_key,
            client_authentication="apple",
            scopes=("openid", "email", "name"),
            response_mode="form_post",
            algorithms=("RS256", "ES256"),
            team_id=self.team_id,
            key_id=self.key_id,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class GitLab:
    """Sign in with GitLab, the public one or one's own."""

    client_id: str
    """The application id."""

    client_secret: Secret
    """The secret beside it."""

    issuer: str = "https://gitlab.com"
    """The address of the GitLab."""

    def provider(self) -> Provider:
        """As the flow sees it."""
        return Provider(
            name="gitlab",
            label="GitLab",
            issuer=self.issuer,
            client_id=self.client_id,
            client_secret=self.client_secret,
            algorithms=("RS256",),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Discord:
    """Sign in with Discord, which speaks OAuth: its API tells who it is."""

    client_id: str
    """Of the application in Discord's developer portal."""

    client_secret: Secret
    """The secret beside it."""

    def provider(self) -> Provider:
        """As the flow sees it."""
        return Provider(
            name="discord",
            label="Discord",
            issuer="https://discord.com",
            client_id=self.client_id,
            client_secret=self.client_secret,
            scopes=("identify", "email"),
            profile="discord",
            endpoints=Endpoints(
                authorization="https://discord.com/oauth2/authorize",
                token="https://discord.com/api/oauth2/token",
                userinfo="https://discord.com/api/users/@me",
            ),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenIDConnect:
    """Sign in with any provider of OpenID Connect that publishes its configuration."""

    issuer: str
    """Exactly as the provider writes it, slashes included."""

    client_id: str
    """As the provider registered the application."""

    client_secret: Secret | None = None
    """The secret beside it; none for a client that is registered as public."""

    client_authentication: ClientMethod = "basic"
    """How the secret is sent: `basic`, `post`, or `none` for a public client."""

    name: str = "oidc"
    """Part of the paths: /auth/oidc."""

    label: str = "single sign-on"
    """What the button says after “Continue with”."""

    scopes: tuple[str, ...] = ("openid", "email", "profile")
    """What is asked for; `openid` must be among them."""

    algorithms: tuple[str, ...] = ASYMMETRIC
    """Signatures of ID tokens that are accepted. A published RSA key that names no algorithm is for
    RS256, or for the only one for RSA in this list."""

    end_session: bool = False
    """Lead who signs out here on to the provider's own sign-out (`end_session_endpoint`), so that
    the next one at the machine is not let in by one press of a button. Register
    `/auth/<name>/signed-out` there as an address to come back to."""

    back_channel_logout: bool = False
    """Let the provider end sessions that began there, by a signed message to
    `/auth/<name>/back-channel-logout`, which is registered there."""

    def __post_init__(self) -> None:
        if "openid" not in self.scopes:
            raise ConfigurationError(
                "oauth.oidc.scopes lacks `openid`", fix="add it: without it nobody is identified"
            )
        if not self.label.isprintable() or not 0 < len(self.label) <= 40:  # noqa: PLR2004
            raise ConfigurationError(
                "oauth.oidc.label is no short text", fix="set 1 to 40 printable characters"
            )

    def provider(self) -> Provider:
        """As the flow sees it."""
        return Provider(
            name=self.name,
            label=self.label,
            issuer=self.issuer,
            client_id=self.client_id,
            client_secret=self.client_secret,
            client_authentication=self.client_authentication,
            scopes=self.scopes,
            algorithms=self.algorithms,
            end_session=self.end_session,
            back_channel_logout=self.back_channel_logout,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class OAuthSettings:
    """Which providers people may sign in with. Checked at construction."""

    google: Google | None = None
    """Google."""

    github: GitHub | None = None
    """GitHub."""

    microsoft: Microsoft | None = None
    """Microsoft."""

    apple: Apple | None = None
    """Apple."""

    gitlab: GitLab | None = None
    """GitLab."""

    discord: Discord | None = None
    """Discord."""

    oidc: OpenIDConnect | None = None
    """Any other provider of OpenID Connect."""

    more: tuple[OpenIDConnect, ...] = ()
    """Further ones, each with a `name` of its own. Set in code."""

    sign_up: bool = True
    """Whether a new identity with a confirmed e-mail may make an account, where registration is
    open. Off: identities can only be linked to accounts that exist."""

    believe_undated_sign_ins: bool = False
    """Whether a sign-in with a provider that does not say when it asked for a proof (GitHub,
    Discord, Google without `auth_time`) counts as one of this moment. On: whoever borrows a browser
    in which the owner is signed in there signs in anew, unasked, and may do what needs a recent
    proof."""

    state_lifetime: float = 600.0
    """Seconds between leaving for the provider and coming back."""

    timeout: float = 10.0
    """Seconds for one call of a provider, all of its answer included."""

    start_limit: str = "30/minute"
    """How often one address may begin a sign-in."""

    def __post_init__(self) -> None:
        names = [provider.name for provider in self.providers()]
        if len(set(names)) != len(names):
            raise ConfigurationError(
                "two providers have one name", fix="give each OpenIDConnect a `name` of its own"
            )
        if not 30.0 <= self.state_lifetime <= MAX_LIFETIME:  # noqa: PLR2004
            raise ConfigurationError(
                f"oauth.state_lifetime is {self.state_lifetime:g}",
                fix=f"set it between 30 and {MAX_LIFETIME:g} seconds",
            )
        if not 0.01 <= self.timeout <= MAX_TIMEOUT:  # noqa: PLR2004
            raise ConfigurationError(
                f"oauth.timeout is {self.timeout:g}",
                fix=f"set it between 0.01 and {MAX_TIMEOUT:g} seconds",
            )
        try:
            parse_limits(self.start_limit)
        except ConfigurationError as error:
            raise ConfigurationError(f"oauth.start_limit: {error.problem}", fix=error.fix) from None

    def providers(self) -> tuple[Provider, ...]:
        """Those that are set, in the order in which buttons are shown."""
        own = (self.google, self.apple, self.microsoft, self.github, self.gitlab, self.discord)
        given = (*own, self.oidc, *self.more)
        return tuple(entry.provider() for entry in given if entry is not None)

    def check_production(self) -> None:
        """Raise ConfigurationError for a provider that is reached without encryption."""
        for provider in self.providers():
            if is_loopback(provider.issuer):
                raise ConfigurationError(
                    f"oauth.{provider.name}.issuer is not encrypted",
                    fix="set its https address; plain http is for tests on one machine",
                )
