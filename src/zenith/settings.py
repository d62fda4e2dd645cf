"""All settings in one place: a section per capability, read from the environment here alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias
from urllib.parse import SplitResult, urlsplit

from dotenv import dotenv_values

from zenith.accounts.settings import AccountSettings
from zenith.audit.settings import AuditSettings
from zenith.csrf.settings import CsrfSettings
from zenith.headers.settings import HeadersSettings
from zenith.kernel.environment import PREFIX, read_section
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import GENERATE, Secret, check_strength
from zenith.passwords.settings import PasswordSettings
from zenith.rate_limits.settings import RateLimitSettings
from zenith.rbac.settings import RbacSettings
from zenith.sessions.settings import SessionSettings
from zenith.stores.settings import DatabaseSettings, RedisSettings
from zenith.tokens.settings import TokenSettings
from zenith.transport.settings import TransportSettings

Environment: TypeAlias = Literal["development", "production", "test"]
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

    passwords: PasswordSettings = field(default_factory=PasswordSettings)
    """How passwords are hashed and which are refused."""

    accounts: AccountSettings = field(default_factory=AccountSettings)
    """Registration and sign-in."""

    sessions: SessionSettings = field(default_factory=SessionSettings)
    """Cookie sessions."""

    tokens: TokenSettings = field(default_factory=TokenSettings)
    """Access and refresh tokens."""

    rbac: RbacSettings = field(default_factory=RbacSettings)
    """Roles and what they may do."""

    transport: TransportSettings | None = field(default_factory=TransportSettings)
    """Hosts, proxies, sizes and times."""

    headers: HeadersSettings | None = field(default_factory=HeadersSettings)
    """Security headers and the content security policy."""

    csrf: CsrfSettings | None = field(default_factory=CsrfSettings)
    """Protection of cookie-carried changes."""

    rate_limits: RateLimitSettings | None = field(default_factory=RateLimitSettings)
    """How often one client may call."""

    audit: AuditSettings | None = field(default_factory=AuditSettings)
    """The log of security events."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.origin)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise ConfigurationError(
                f"ZENITH_ORIGIN `{self.origin}` is no origin",
                fix="write scheme and host, such as https://app.example.org",
            )
        object.__setattr__(self, "origin", _browser_form(parts))
        if self.workers < 1:
            raise ConfigurationError("ZENITH_WORKERS is below 1", fix="set it to 1 or more")
        for number, secret in enumerate(self.secrets):
            name = "ZENITH_SECRET_KEY" if number == 0 else "ZENITH_PREVIOUS_SECRET_KEYS"
            check_strength(secret, setting=name)
        if self.is_production:
            self._check_production()

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
        if self.passwords.is_weak:
            raise ConfigurationError(
                "ZENITH_PASSWORDS__* make hashes that are cheap to guess",
                fix="leave the profile at its default",
            )
        if self.workers > 1 and self.redis is None:
            raise ConfigurationError(
                f"{self.workers} workers would each count rate limits for themselves",
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
    def hostname(self) -> str:
        """The host that users see, without port."""
        host = urlsplit(self.origin).hostname or ""
        return f"[{host}]" if ":" in host else host

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The present key first, then former ones; empty where none was set."""
        own = () if self.secret_key is None else (self.secret_key,)
        return (*own, *self.previous_secret_keys)

    @property
    def database_or_embedded(self) -> DatabaseSettings:
        """The database that was set, or SQLite in `home`."""
        if self.database is not None:
            return self.database
        return DatabaseSettings(url=Secret(f"sqlite:///{self.home / 'zenith.db'}"))

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
        values: dict[str, str] = {}
        if dotenv is not None and dotenv.is_file():
            values.update({k: v for k, v in dotenv_values(dotenv).items() if v is not None})
        values.update(os.environ if environ is None else environ)
        own = {
            name: value
            for name, value in values.items()
            if name.startswith(PREFIX) and not name.startswith(FOREIGN)
        }
        return read_section(cls, own, prefix=PREFIX)


def _browser_form(parts: SplitResult) -> str:
    """An origin as browsers write it: lower case, without the scheme's own port."""
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    own = {"http": 80, "https": 443}[parts.scheme]
    port = "" if parts.port in (None, own) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
