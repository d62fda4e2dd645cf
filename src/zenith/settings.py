"""All settings in one place: a section per capability, read from the environment here alone."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args
from urllib.parse import quote, urlsplit

from dotenv import dotenv_values

from zenith.abuse.settings import AbuseSettings
from zenith.accounts.settings import AccountSettings
from zenith.api_keys.settings import APIKeySettings
from zenith.audit.settings import AuditSettings
from zenith.csrf.settings import CsrfSettings
from zenith.encryption.settings import EncryptionSettings
from zenith.headers.settings import HeadersSettings
from zenith.kernel.environment import PREFIX, read_section
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import GENERATE, Secret, check_strength
from zenith.kernel.log_settings import LogSettings
from zenith.kernel.records import dataclass
from zenith.mail.settings import MailSettings
from zenith.mfa.settings import MfaSettings
from zenith.oauth.settings import OAuthSettings
from zenith.outbound.settings import OutboundSettings
from zenith.passwords.settings import PasswordSettings
from zenith.query.settings import QuerySettings
from zenith.rate_limits.settings import RateLimitSettings
from zenith.rbac.settings import RbacSettings
from zenith.server.settings import ServerSettings
from zenith.sessions.settings import SessionSettings
from zenith.stores.settings import DatabaseSettings, RedisSettings
from zenith.tenants.settings import TenantSettings
from zenith.tokens.settings import TokenSettings
from zenith.transport.cross_origin.settings import CorsSettings
from zenith.transport.settings import TransportSettings

Environment: TypeAlias = Literal["development", "production", "test"]
_ORIGIN: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9_][a-z0-9_.-]*|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?/?"
)
_PORTS: Final = range(1, 65_536)
FOREIGN: Final = (f"{PREFIX}TEST_",)
"""Variables under the prefix that are not for the application."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """How an application is secured. Checked at construction; raises ConfigurationError.

    A section set to None turns that capability off; the start-up report says so.
    """

    env: Environment = "development"
    """`production` refuses whatever is unsafe; `development` and `test` warn."""

    home: Path = Path(".zenith")
    """Folder of the embedded database, the development key and the audit log."""

    origin: str = "http://localhost:8000"
    """Where users reach the application: scheme, host and port. Production needs https."""

    secret_key: Secret | None = None
    """The root of all derived keys: at least 256 random bits. Outside production a random one is
    made and kept in `home`, readable by its owner only."""

    previous_secret_keys: tuple[Secret, ...] = ()
    """Former keys that still verify while a new one is rolled out."""

    workers: int = 1
    """Server processes that share the load; more than one needs Redis in production."""

    database: DatabaseSettings | None = None
    """Where accounts, sessions and the audit log live. None: SQLite in `home`."""

    migrate_at_start: bool | None = None
    """Whether the start upgrades the database schema. None: except on PostgreSQL in production."""

    redis: RedisSettings | None = None
    """Shared rate counters and instant revocation between processes. None: process memory."""

    query: QuerySettings = field(default_factory=QuerySettings)
    """Where the application's own models live."""

    encryption: EncryptionSettings | None = field(default_factory=EncryptionSettings)
    """Where the keys of encrypted values are. Without a key-encryption key production refuses
    `app.encryption`, and so the start of whatever encrypts."""

    passwords: PasswordSettings = field(default_factory=PasswordSettings)
    """How passwords are hashed and which are refused."""

    accounts: AccountSettings = field(default_factory=AccountSettings)
    """Registration and sign-in."""

    abuse: AbuseSettings = field(default_factory=AbuseSettings)
    """What happens to whoever guesses passwords."""

    mail: MailSettings | None = None
    """Who carries mail. None: in production the flows that need mail are off; elsewhere mails are
    kept in an outbox that `/outbox` shows."""

    mfa: MfaSettings | None = field(default_factory=MfaSettings)
    """Second factors: authenticator apps, passkeys, recovery codes, trusted devices."""

    sessions: SessionSettings = field(default_factory=SessionSettings)
    """Cookie sessions."""

    tokens: TokenSettings = field(default_factory=TokenSettings)
    """Access and refresh tokens."""

    oauth: OAuthSettings = field(default_factory=OAuthSettings)
    """Sign-in with other providers."""

    api_keys: APIKeySettings | None = field(default_factory=APIKeySettings)
    """Keys of programs."""

    rbac: RbacSettings = field(default_factory=RbacSettings)
    """Roles and what they may do."""

    tenants: TenantSettings | None = None
    """Which tenant a request is about. None: there are no tenants."""

    outbound: OutboundSettings = field(default_factory=OutboundSettings)
    """Whom the application calls, and how much an answer may cost."""

    server: ServerSettings = field(default_factory=ServerSettings)
    """How slow and how many connections may be, and how the server stops."""

    transport: TransportSettings | None = field(default_factory=TransportSettings)
    """Hosts, proxies, sizes and times."""

    cors: CorsSettings | None = None
    """Which pages of other origins may read answers. None: none."""

    headers: HeadersSettings | None = field(default_factory=HeadersSettings)
    """Security headers and the content security policy."""

    csrf: CsrfSettings | None = field(default_factory=CsrfSettings)
    """Protection of cookie-carried changes."""

    rate_limits: RateLimitSettings | None = field(default_factory=RateLimitSettings)
    """How often one client may call."""

    audit: AuditSettings | None = field(default_factory=AuditSettings)
    """The log of security events."""

    logs: LogSettings | None = field(default_factory=LogSettings)
    """Secrets are taken out of what the program's log handlers write, while it runs."""

    def __post_init__(self) -> None:
        if self.env not in get_args(Environment):
            raise ConfigurationError(
                f"ZENITH_ENV is {self.env!r}", fix="choose " + ", ".join(get_args(Environment))
            )
        object.__setattr__(self, "origin", _browser_form(self.origin))
        if self.workers < 1:
            raise ConfigurationError("ZENITH_WORKERS is below 1", fix="set it to 1 or more")
        if self.secret_key is not None:
            _check_secret(self.secret_key, "ZENITH_SECRET_KEY")
        for secret in self.previous_secret_keys:
            _check_secret(secret, "ZENITH_PREVIOUS_SECRET_KEYS")
        self._check_default_roles()
        transport = self.transport
        if self.cors is not None and transport is not None and "OPTIONS" not in transport.methods:
            raise ConfigurationError(
                "cors is on, and transport.methods refuses every preflight",
                fix="add OPTIONS to transport.methods",
            )
        if self.is_production:
            self._check_production()

    def _check_default_roles(self) -> None:
        roles = self.rbac.role_set().roles
        for role in () if self.mfa is None else self.mfa.required_roles:
            if role not in roles:
                raise ConfigurationError(
                    f"mfa.required_roles names the unknown role `{role}`",
                    fix="choose among " + ", ".join(sorted(roles)),
                )
        for role in self.accounts.default_roles:
            if role not in roles:
                raise ConfigurationError(
                    f"accounts.default_roles names the unknown role `{role}`",
                    fix="choose among " + ", ".join(sorted(roles)),
                )
            if role == self.rbac.administrator:
                raise ConfigurationError(
                    f"accounts.default_roles would make every visitor `{role}`",
                    fix="leave it out; the first-run link creates the administrator",
                )

    def _check_production(self) -> None:
        if self.secret_key is None:
            raise ConfigurationError(
                "ZENITH_SECRET_KEY is not set",
                fix=f"set it to the output of: {GENERATE}",
            )
        if not self.is_https:
            raise ConfigurationError(
                f"ZENITH_ORIGIN is {self.origin}, which is not encrypted",
                fix="set it to the https origin that users see, such as https://app.example.org",
            )
        self.oauth.check_production()
        if self.passwords.is_weak:
            raise ConfigurationError(
                "ZENITH_PASSWORDS__* make hashes that are cheap to guess",
                fix="leave ZENITH_PASSWORDS__PROFILE and the costs beside it at their defaults",
            )
        if self.workers > 1 and self.redis is None:
            raise ConfigurationError(
                f"ZENITH_WORKERS is {self.workers}, and each would count rate limits for itself",
                fix="set ZENITH_REDIS__URL, or run one worker (ZENITH_WORKERS=1)",
            )

    @property
    def is_production(self) -> bool:
        """Whether unsafe settings refuse the start."""
        return self.env == "production"

    @property
    def is_https(self) -> bool:
        """Whether users reach the application encrypted."""
        return self.origin.startswith("https://")

    @property
    def sends_mail(self) -> bool:
        """Whether mail goes anywhere: to a server, or outside production to the outbox."""
        return self.mail is not None or not self.is_production

    @property
    def hostname(self) -> str:
        """The host that users see, without port."""
        host = urlsplit(self.origin).hostname or ""
        return f"[{host}]" if ":" in host else host

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The present key first, then former ones."""
        own = () if self.secret_key is None else (self.secret_key,)
        return (*own, *self.previous_secret_keys)

    @property
    def database_or_embedded(self) -> DatabaseSettings:
        """The database that was set, or SQLite in `home`."""
        if self.database is not None:
            return self.database
        path = quote(str(self.home / "zenith.db"))
        return DatabaseSettings(url=Secret(f"sqlite:///{path}"))

    @property
    def migrates(self) -> bool:
        """Whether the start upgrades the schema."""
        if self.migrate_at_start is not None:
            return self.migrate_at_start
        embedded = self.database_or_embedded.url.reveal().startswith("sqlite")
        return embedded or not self.is_production

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] | None = None, *, dotenv: Path | None = Path(".env")
    ) -> Settings:
        """Read `ZENITH_*` variables, nested with `__`, and those of a `.env` file below them.

        `ZENITH_SESSIONS__IDLE_LIFETIME=3600` sets one field, `ZENITH_CSRF=off` turns a capability
        off. Raises ConfigurationError for a variable that no setting has, or a value that does not
        fit; the value itself is not repeated.
        """
        values = {} if dotenv is None else _read_dotenv(dotenv)
        values.update(os.environ if environ is None else environ)
        own = {
            name: value
            for name, value in values.items()
            if name.startswith(PREFIX) and not name.startswith(FOREIGN)
        }
        return read_section(cls, own, prefix=PREFIX)


def _read_dotenv(path: Path) -> dict[str, str]:
    """The variables of a `.env` file, as they are written: nothing in them is expanded."""
    if not path.is_file():
        return {}
    try:
        found = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read ({type(error).__name__})", fix="write it in UTF-8, or remove it"
        ) from None
    for name, value in found.items():
        if value is None and name.startswith(PREFIX):
            raise ConfigurationError(f"{name} has no value in {path}", fix=f"write {name}=...")
    return {name: value for name, value in found.items() if value is not None}


def _check_secret(secret: Secret, setting: str) -> None:
    if not isinstance(secret, Secret):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"{setting} is plain text", fix="pass Secret('...')")
    check_strength(secret, setting=setting)


def _browser_form(origin: str) -> str:
    """An origin as browsers write it: lower case, without the scheme's own port."""
    # The text itself is not repeated: a password may stand before the host.
    match = _ORIGIN.fullmatch(origin.strip().lower())
    if match is None or int(match["port"] or 1) not in _PORTS:
        raise ConfigurationError(
            "ZENITH_ORIGIN is no origin",
            fix="write scheme, host and nothing else, such as https://app.example.org; a host with"
            " other letters in its xn-- form",
        )
    own = {"http": 80, "https": 443}[match["scheme"]]
    port = int(match["port"] or own)
    return f"{match['scheme']}://{match['host']}" + ("" if port == own else f":{port}")
