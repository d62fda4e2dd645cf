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
)
from zenith.rbac import RoleSet
from zenith.sessions import Sessions, SessionScheme, SessionSettings
from zenith.settings import Settings
from zenith.stores.foundation import Foundation
from zenith.stores.key_file import read_or_make_key
from zenith.stores.memory import MemoryRateLimitStore
from zenith.stores.redis import RedisRevocationChannel, connect_redis
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
            await self.redis.ping()

    async def start(self) -> None:
        """Start what stands behind the guards, for code that runs without the application."""
        for guard in self.guards:
            await guard.startup()

    async def stop(self) -> None:
        """Stop it again."""
        for guard in reversed(self.guards):
            await guard.shutdown()


def assemble(settings: Settings) -> Assembly:
    """Build everything that `settings` ask for; nothing is opened or started yet.

    Raises ConfigurationError for what cannot be built safely.
    """
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
        services={AccountServices: accounts, SessionSettings: settings.sessions},
        redis=redis,
        report=(*report, *_loosened(settings)),
    )


OPTIONAL: Final = ("transport", "headers", "csrf", "rate_limits", "audit")


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
        policy = PasswordPolicy.from_settings(settings.passwords)
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
            registration=Registration(
                accounts=store,
                secrets=self.one_time,
                hasher=self.hasher,
                policy=policy,
                limits=limits,
                events=events,
                settings=settings.accounts,
                administrator_role=settings.rbac.administrator,
            ),
            sign_in=sign_in,
            grants=grants,
            password_change=PasswordChange(
                accounts=store,
                hasher=self.hasher,
                policy=policy,
                limits=limits,
                sign_in=sign_in,
                events=events,
            ),
            administration=Administration(
                accounts=store,
                sign_in=sign_in,
                revocations=self.revocations,
                events=events,
                roles=self.roles,
                administrator_role=settings.rbac.administrator,
                token_lifetime=self.token_memory,
            ),
            sessions=self.sessions,
            devices=devices,
            settings=settings.accounts,
        )

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
        if self.limiter is not None and settings.rate_limits is not None:
            guards.append(RateLimitGuard(self.limiter, settings.rate_limits))
        guards.append(AuthenticationGuard([bearer, cookie]))
        if settings.csrf is not None:
            guards.append(CsrfGuard(self.secrets, settings.csrf))
        if self.limiter is not None and settings.rate_limits is not None:
            guards.append(PrincipalRateLimitGuard(self.limiter, settings.rate_limits))
        return tuple(guards)

    def foundation(self) -> Foundation:
        """What starts first and stops last."""
        return Foundation(
            database=self.database,
            redis=self.redis,
            revocations=self.revocations,
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


def _limiter(settings: Settings, secrets: tuple[Secret, ...], redis: Any) -> RateLimiter | None:
    limits = settings.rate_limits
    if limits is None:
        return None
    memory = MemoryRateLimitStore(max_clients=limits.max_clients)
    if redis is None:
        return RateLimiter(memory)
    # Needs the optional driver, which `connect_redis` has found by now.
    from zenith.stores.redis.rate_limits import RedisRateLimitStore  # noqa: PLC0415

    key = derive(secrets[0], "rate_limits")
    shared = RedisRateLimitStore(redis, key=key, timeout=limits.store_timeout)
    return RateLimiter(FallbackStore(shared, local=memory, settings=limits))


def _loosened(settings: Settings) -> list[str]:
    report = [f"{name} is off" for name in OPTIONAL if getattr(settings, name) is None]
    for name in (*OPTIONAL, "sessions"):
        dangers = getattr(getattr(settings, name), "dangers", ())
        report += [f"{name}.{danger} is set: see what it loses" for danger in dangers]
    if not settings.is_https:
        report.append("cookies travel without Secure, since the origin is not https")
    return report
