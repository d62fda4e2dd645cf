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
from zenith.kernel.keys import Secret
from zenith.passwords import PasswordHasher, PasswordPolicy
from zenith.pipeline import Guard
from zenith.rate_limits import RateLimiter, RateLimitGuard
from zenith.rbac import RoleSet
from zenith.sessions import SessionScheme, SessionSettings, Sessions
from zenith.settings import Settings
from zenith.stores.foundation import Foundation
from zenith.stores.key_file import read_or_make_key
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
from zenith.transport import TransportGuard

_log: Final = logging.getLogger("zenith")
KEY_FILE: Final = "secret.key"


@dataclass(frozen=True, kw_only=True, slots=True)
class Assembly:
    """A running application's parts."""

    settings: Settings
    """As they hold: with keys found and cookies as the origin allows."""
    database: Database
    keyring: KeyRing
    accounts: AccountServices
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
        revocations=revocations,
        guards=parts.guards(manager, accounts),
        services={AccountServices: accounts, SessionSettings: settings.sessions},
        redis=redis,
        report=(*report, *_loosened(settings)),
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
        self.roles = RoleSet(settings.rbac)
        self.account_store = SqlAccountStore(database)
        self.subjects = SubjectCache(
            AccountSubjects(self.account_store, self.roles.compile), revocations
        )
        self.audit = AuditLog(settings.audit, store=SqlAuditStore(database))
        self.hasher = PasswordHasher(settings.passwords)
        self.limiter = _limiter(settings, redis)
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
        settings, store, events = self.settings, self.account_store, self.audit
        policy = PasswordPolicy.from_settings(settings.passwords)
        devices = KnownDevices(self.secrets)
        limits = AttemptLimits(self.limiter, devices, settings.accounts)
        grants = TokenGrants(
            manager=manager,
            refresh=RefreshTokens(
                SqlRefreshStore(self.database), self.secrets, settings=settings.tokens
            ),
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
                secrets=SqlOneTimeStore(self.database),
                hasher=self.hasher,
                policy=policy,
                limits=limits,
                events=events,
                settings=settings.accounts,
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
                settings=settings.accounts,
                token_lifetime=self.token_memory,
            ),
            sessions=self.sessions,
            devices=devices,
            settings=settings.accounts,
        )
