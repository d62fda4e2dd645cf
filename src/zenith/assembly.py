"""Puts the parts together, once, from settings. Objects are built here and passed in everywhere."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from zenith.accounts import (
    AccountServices,
    AccountSubjects,
    Administration,
    AttemptLimits,
    KnownDevices,
    PasswordChange,
    RecentAccounts,
    Registration,
    SignIn,
    TokenGrants,
)
from zenith.audit import AuditGuard, AuditLog
from zenith.authentication import AuthenticationGuard, RevocationList, SubjectCache
from zenith.csrf import CsrfGuard
from zenith.headers import HeadersGuard
from zenith.kernel.clock import wall_clock
from zenith.kernel.events import EventSink, Silence
from zenith.kernel.keys import Secret, derive
from zenith.passwords import PasswordHasher, PasswordPolicy
from zenith.pipeline import Guard
from zenith.rate_limits import (
    FallbackStore,
    PrincipalRateLimitGuard,
    RateLimiter,
    RateLimitGuard,
    RateLimitSettings,
)
from zenith.rbac import RoleSet
from zenith.sessions import Sessions, SessionScheme, SessionSettings
from zenith.settings import Settings
from zenith.stores.foundation import Foundation
from zenith.stores.key_file import read_or_make_key
from zenith.stores.memory import MemoryRateLimitStore
from zenith.stores.redis import RedisRevocationChannel, connect_redis
from zenith.stores.redis.errors import errors_wrapped
from zenith.stores.sql import (
    Database,
    SqlAccountStore,
    SqlAuditStore,
    SqlOneTimeStore,
    SqlRefreshStore,
    SqlRevocationStore,
    SqlSessionStore,
)
from zenith.tokens import BearerScheme, KeyRing, RefreshTokens, TokenManager
from zenith.transport import DEVELOPMENT_HOSTS, TransportGuard

_log: Final = logging.getLogger("zenith")
KEY_FILE: Final = "secret.key"
AUDIT_FILE: Final = "audit.jsonl"


@dataclass(frozen=True, kw_only=True, slots=True)
class Assembly:
    """A running application's parts."""

    settings: Settings
    """As they hold: with keys found and cookies as the origin allows."""
    database: Database
    keyring: KeyRing
    accounts: AccountServices
    roles: RoleSet
    revocations: RevocationList
    guards: tuple[Guard, ...]
    services: Mapping[type, Any]
    redis: Any
    report: tuple[str, ...]
    """What the start tells the operator: what is off, what is loosened, what was made."""

    async def check_readiness(self) -> None:
        """Raise ServiceUnavailableError unless database and Redis answer."""
        await self.database.ping()
        if self.redis is not None:
            with errors_wrapped():
                await self.redis.ping()

    async def start(self) -> None:
        """Start what stands behind the guards, for code that runs without the application. If one
        cannot start, those that have are stopped again.
        """
        running: list[Guard] = []
        try:
            for guard in self.guards:
                await guard.startup()
                running.append(guard)
        except BaseException:
            for guard in reversed(running):
                await guard.shutdown()
            raise

    async def stop(self) -> None:
        """Stop it again."""
        for guard in reversed(self.guards):
            await guard.shutdown()


def assemble(settings: Settings) -> Assembly:
    """Build everything that `settings` ask for; nothing is opened or started yet.

    Raises ConfigurationError for what cannot be built safely.
    """
    given = settings
    secrets, report = _secrets(settings)
    settings = _fitted(settings)
    database = Database(settings.database_or_embedded)
    redis = None if settings.redis is None else connect_redis(settings.redis)
    revocations = RevocationList(
        SqlRevocationStore(database),
        channel=None if redis is None else RedisRevocationChannel(redis),
    )
    parts = _Parts(settings, secrets, database, redis, revocations)
    keyring = _keyring(secrets, settings)
    manager = TokenManager(keyring=keyring, settings=settings.tokens, revocations=revocations)
    accounts = parts.accounts(manager)
    return Assembly(
        settings=settings,
        database=database,
        keyring=keyring,
        accounts=accounts,
        roles=parts.roles,
        revocations=revocations,
        guards=parts.guards(manager),
        services=parts.services(accounts),
        redis=redis,
        report=(*report, *_loosened(given, settings)),
    )


class _Parts:
    """What several capabilities share while they are put together."""

    def __init__(
        self,
        settings: Settings,
        secrets: tuple[Secret, ...],
        database: Database,
        redis: Any,
        revocations: RevocationList,
    ) -> None:
        self.settings = settings
        self.secrets = secrets
        self.database = database
        self.redis = redis
        self.revocations = revocations
        self.roles = settings.rbac.role_set()
        self.account_store = SqlAccountStore(database)
        self.subjects = SubjectCache(
            AccountSubjects(self.account_store, self.roles.compile), revocations
        )
        self.audit_log = (
            None if settings.audit is None else AuditLog(SqlAuditStore(database), settings.audit)
        )
        self.events: EventSink = self.audit_log or Silence()
        self.hasher = PasswordHasher(settings.passwords)
        self.policy = PasswordPolicy.from_settings(settings.passwords)
        self.limiter = _limiter(settings, secrets, redis)
        self.one_time = SqlOneTimeStore(database)
        self.refresh = RefreshTokens(SqlRefreshStore(database), secrets, settings=settings.tokens)
        self.sessions = Sessions(
            SqlSessionStore(database),
            revocations,
            settings.sessions,
            access_lifetime=self.token_memory,
            refresh_lifetime=settings.tokens.refresh_lifetime,
        )

    @property
    def token_memory(self) -> float:
        """Seconds for which the end of a session must be remembered."""
        return self.settings.tokens.access_lifetime + self.settings.tokens.leeway

    def accounts(self, manager: TokenManager) -> AccountServices:
        """The flows of accounts."""
        settings, store, events = self.settings, self.account_store, self.events
        devices = KnownDevices(self.secrets)
        limits = AttemptLimits(self.limiter, devices, settings.accounts)
        grants = TokenGrants(
            manager=manager,
            refresh=self.refresh,
            sessions=self.sessions,
            subjects=self.subjects,
            events=events,
            access_lifetime=settings.tokens.access_lifetime,
        )
        sign_in = SignIn(
            accounts=store,
            hasher=self.hasher,
            limits=limits,
            sessions=self.sessions,
            grants=grants,
            events=events,
        )
        return AccountServices(
            store=store,
            recent=RecentAccounts(store, self.revocations),
            registration=self.registration(limits),
            sign_in=sign_in,
            grants=grants,
            password_change=PasswordChange(
                accounts=store,
                hasher=self.hasher,
                policy=self.policy,
                limits=limits,
                sign_in=sign_in,
                events=events,
            ),
            administration=self.administration(sign_in),
            sessions=self.sessions,
            devices=devices,
            settings=settings.accounts,
        )

    def registration(self, limits: AttemptLimits) -> Registration:
        """How accounts come to be."""
        return Registration(
            accounts=self.account_store,
            secrets=self.one_time,
            hasher=self.hasher,
            policy=self.policy,
            limits=limits,
            events=self.events,
            settings=self.settings.accounts,
            administrator_role=self.settings.rbac.administrator,
        )

    def administration(self, sign_in: SignIn) -> Administration:
        """What administrators do with accounts."""
        return Administration(
            accounts=self.account_store,
            sign_in=sign_in,
            events=self.events,
            roles=self.roles,
            administrator_role=self.settings.rbac.administrator,
        )

    def services(self, accounts: AccountServices) -> dict[type, Any]:
        """What handlers may ask the exchange for."""
        offered: dict[type, Any] = {
            AccountServices: accounts,
            SessionSettings: self.settings.sessions,
            RateLimiter: self.limiter,
            AuditLog: self.audit_log,
        }
        return {kind: service for kind, service in offered.items() if service is not None}

    def guards(self, manager: TokenManager) -> tuple[Guard, ...]:
        """Every guard that the settings leave on."""
        settings = self.settings
        bearer = BearerScheme(manager, self.revocations, grants=self.roles.compile)
        cookie = SessionScheme(self.sessions, self.subjects, self.revocations, settings.sessions)
        guards: list[Guard] = [self.foundation()]
        if self.audit_log is not None:
            guards.append(AuditGuard(self.audit_log, settings.audit))
        if settings.headers is not None:
            guards.append(HeadersGuard(settings.headers, https_origin=settings.is_https))
        if settings.transport is not None:
            guards.append(TransportGuard(settings.transport))
        if settings.rate_limits is not None:
            guards.append(RateLimitGuard(self.limiter, settings.rate_limits))
        guards.append(AuthenticationGuard([bearer, cookie]))
        if settings.csrf is not None:
            guards.append(CsrfGuard(self.secrets, settings.csrf))
        if settings.rate_limits is not None:
            guards.append(PrincipalRateLimitGuard(self.limiter, settings.rate_limits))
        return tuple(guards)

    def foundation(self) -> Foundation:
        """What starts first and stops last."""
        return Foundation(
            database=self.database,
            redis=self.redis,
            revocations=self.revocations,
            hasher=self.hasher,
            policy=self.policy,
            migrate=self.settings.migrates,
            prune=(
                self.sessions.prune,
                self.refresh.prune,
                self.revocations.prune,
                self.prune_secrets,
            ),
        )

    async def prune_secrets(self) -> int:
        """Remove one-time secrets that have expired."""
        return await self.one_time.prune(now=wall_clock())


def _secrets(settings: Settings) -> tuple[tuple[Secret, ...], list[str]]:
    if settings.secret_key is not None:
        return settings.secrets, []
    path = settings.home / KEY_FILE
    key, made = read_or_make_key(path)
    what = "made a random key" if made else "using the key"
    return (key, *settings.previous_secret_keys), [
        f"{what} in {path}; in production set ZENITH_SECRET_KEY instead"
    ]


def _fitted(settings: Settings) -> Settings:
    """Sections that follow from others: the origin decides about hosts and cookies."""
    secure = settings.is_https
    transport, csrf = settings.transport, settings.csrf
    if transport is not None and transport.allowed_hosts == DEVELOPMENT_HOSTS:
        own = () if settings.is_production else DEVELOPMENT_HOSTS
        transport = replace(transport, allowed_hosts=(settings.hostname, *own))
    if csrf is not None:
        origins = csrf.origins or ((settings.origin,) if settings.is_production else ())
        csrf = replace(csrf, origins=origins, secure_cookies=csrf.secure_cookies and secure)
    audit = settings.audit
    if audit is not None and audit.json_lines is None and settings.database is None:
        audit = replace(audit, json_lines=settings.home / AUDIT_FILE)
    sessions = settings.sessions
    return replace(
        settings,
        transport=transport,
        csrf=csrf,
        audit=audit,
        sessions=replace(sessions, secure_cookies=sessions.secure_cookies and secure),
    )


def _keyring(secrets: tuple[Secret, ...], settings: Settings) -> KeyRing:
    make = (
        KeyRing.ed25519_from_secret if settings.tokens.algorithm == "EdDSA" else KeyRing.from_secret
    )
    return make(secrets[0], previous=secrets[1:])


def _limiter(settings: Settings, secrets: tuple[Secret, ...], redis: Any) -> RateLimiter:
    """What counts; attempts at passwords also where the limit of all routes is off."""
    limits = settings.rate_limits or RateLimitSettings()
    memory = MemoryRateLimitStore(max_clients=limits.max_clients)
    if redis is None:
        return RateLimiter(memory)
    # Needs the optional driver, which `connect_redis` has found by now.
    from zenith.stores.redis.rate_limits import RedisRateLimitStore  # noqa: PLC0415

    key = derive(secrets[0], "rate_limits")
    shared = RedisRateLimitStore(redis, key=key, timeout=limits.store_timeout)
    return RateLimiter(FallbackStore(shared, local=memory, settings=limits))


LOST: Final[Mapping[str, str]] = {
    "transport": "any Host, size and duration of a request is accepted",
    "headers": "browsers get no security headers and no content security policy",
    "csrf": "other sites can send changes with the cookies of your users",
    "rate_limits": "clients may call as fast as they can; only attempts at passwords are counted",
    "audit": "security events are not recorded",
}
"""What an application is without, where a section is None."""


def _loosened(given: Settings, settings: Settings) -> list[str]:
    """What the operator should know. `given` is as it was set, `settings` as it holds."""
    report = [f"{name} is off: {lost}" for name, lost in LOST.items() if not _is_on(settings, name)]
    for name in ("transport", "headers", "rate_limits"):
        dangers: tuple[str, ...] = getattr(getattr(given, name), "dangers", ())
        report += [
            f"{name}.{danger} is set: its documentation says what is lost" for danger in dangers
        ]
    for name in ("sessions", "csrf"):
        if not getattr(getattr(given, name), "secure_cookies", True):
            report.append(f"{name}.secure_cookies is off: the cookie also travels unencrypted")
    facts = {
        "accounts.register_seconds is 0: the time of an answer may tell which e-mails are known": (
            settings.accounts.register_seconds == 0
        ),
        "passwords: hashes are cheap to guess, for tests only": settings.passwords.is_weak,
        "passwords.accept_truncated_bcrypt is set: 72 bytes of a longer password are enough": (
            settings.passwords.accept_truncated_bcrypt
        ),
        f"{settings.workers} workers count rate limits each for itself: set ZENITH_REDIS__URL": (
            settings.workers > 1 and settings.redis is None
        ),
        f"cookies travel without Secure, since {settings.origin} is not https": (
            not settings.is_https
        ),
    }
    return report + [sentence for sentence, holds in facts.items() if holds]


def _is_on(settings: Settings, name: str) -> bool:
    return getattr(settings, name) is not None
