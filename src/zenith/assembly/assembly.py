"""Puts the parts together, once, from settings. Objects are built here and passed in everywhere."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from zenith.accounts import Account, AccountServices
from zenith.api_keys import APIKeys
from zenith.assembly.accounts import account_services
from zenith.assembly.api_keys import api_key_parts
from zenith.assembly.audit_log import audit_report
from zenith.assembly.encryption import OfferedEncryption
from zenith.assembly.guards import make_guards, offered_services
from zenith.assembly.issued_tokens import token_offered
from zenith.assembly.keys import find_secrets, fit
from zenith.assembly.mail import mail_report
from zenith.assembly.mfa import MfaParts, mfa_offered, mfa_parts, mfa_report
from zenith.assembly.oauth import oauth_parts
from zenith.assembly.parts import Parts
from zenith.assembly.query import model_database, model_services, model_sessions
from zenith.assembly.report import loosened
from zenith.assembly.serving import make_drain, make_serving
from zenith.authentication import RevocationList
from zenith.headers import ReportCollector
from zenith.kernel.errors import ServiceUnavailableError
from zenith.kernel.keys import Secret
from zenith.kernel.records import dataclass
from zenith.outbound import SharedClient
from zenith.pipeline import Guard
from zenith.rbac import LiveRoles
from zenith.server import DrainGuard, Serving
from zenith.settings import Settings
from zenith.stores.late_models import LateModels
from zenith.stores.sql import Database, SqlRevocationStore
from zenith.tokens import ForeignIssuer, KeyRing, KeyRotation, TokenManager

if TYPE_CHECKING:
    from zenith.oauth import OAuthServices
    from zenith.outbound import OutboundClient
    from zenith.stores.sql import ModelDatabase

READINESS_WAIT: Final = 2.0
"""Seconds until a database that hangs is one that does not answer."""
REDIS_WAIT: Final = 0.5
"""The same of Redis. Without it the application goes on, so a probe must hear of it in its time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Assembly:
    """A running application's parts."""

    settings: Settings
    """As they hold: with keys found and cookies as the origin allows."""
    database: Database
    late_models: LateModels
    keyring: KeyRing
    key_rotation: KeyRotation | None
    """Rotates the signing keys; None where the application's secret signs."""
    accounts: AccountServices
    api_keys: APIKeys | None
    encryption: OfferedEncryption
    """The keys of encrypted values, read when they are first asked for."""
    oauth: OAuthServices | None
    """Sign-in with other providers; None where none is set."""
    roles: LiveRoles
    revocations: RevocationList
    guards: tuple[Guard, ...]
    services: Mapping[type, Any]
    redis: Any
    serving: Serving
    """What the server's protocol holds connections to."""
    report: tuple[str, ...]
    """What the start tells the operator: what is off, what is loosened, what was made."""

    @property
    def models(self) -> ModelDatabase:
        """Where the application's own models live."""
        return self.late_models.database

    @property
    def offered(self) -> Mapping[type, Any]:
        """What handlers may ask the exchange for; the database of models where there may be any."""
        return {**self.services, **model_services(self.late_models)}

    @property
    def reports(self) -> ReportCollector:
        """What browsers report, whether it is collected or not."""
        found: ReportCollector = self.services[ReportCollector]
        return found

    @property
    def outbound(self) -> OutboundClient:
        """What calls other servers; raises ConfigurationError where httpx is missing."""
        shared: SharedClient = self.services[SharedClient]
        return shared.client

    async def check_readiness(self) -> bool:
        """Whether everything answers; False where Redis does not and the application goes on.

        Raises ServiceUnavailableError where the database does not answer, where Redis does not and
        `rate_limits.on_failure` is `closed`, and once the process is about to stop.
        """
        for guard in self.guards:
            if isinstance(guard, DrainGuard):
                guard.require_service()
        try:
            async with asyncio.timeout(READINESS_WAIT):
                await self.database.ping()
        except TimeoutError as error:
            raise ServiceUnavailableError(reason="readiness: no answer in time") from error
        try:
            await self._check_redis()
        except ServiceUnavailableError:
            limits = self.settings.rate_limits
            if limits is not None and limits.on_failure == "closed":
                raise
            return False
        return True

    async def _check_redis(self) -> None:
        if self.redis is None:
            return
        from zenith.stores.redis.errors import errors_wrapped  # noqa: PLC0415

        with errors_wrapped():
            async with asyncio.timeout(REDIS_WAIT):
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


def assemble(
    settings: Settings,
    *,
    user_model: type[Account] = Account,
    issuers: Sequence[ForeignIssuer] = (),
) -> Assembly:
    """Build everything that `settings` ask for; nothing is opened or started yet. `user_model` is
    the class of accounts, `issuers` are others whose access tokens are taken. Raises
    ConfigurationError for what cannot be built safely.
    """
    secrets, report = find_secrets(settings)
    given, settings = settings, fit(settings)
    parts = _parts(settings, secrets, user_model, issuers)
    keyring, revocations = parts.signing.keyring, parts.revocations
    manager = TokenManager(keyring=keyring, settings=settings.tokens, revocations=revocations)
    mfa = mfa_parts(parts)
    accounts = account_services(parts, manager, mfa)
    keys, oauth = api_key_parts(parts), oauth_parts(parts, accounts)
    models = model_database(settings)
    offered = {**offered_services(parts, accounts, keys), **mfa_offered(parts, mfa, accounts)}
    offered |= {**token_offered(parts, manager), **oauth.offered}
    guards = make_guards(parts, manager, keys, mfa)
    return Assembly(
        settings=settings,
        database=parts.database,
        late_models=models,
        keyring=keyring,
        key_rotation=parts.signing.rotation,
        accounts=accounts,
        api_keys=None if keys is None else keys.keys,
        roles=parts.roles,
        revocations=revocations,
        guards=(*guards, *oauth.guards, model_sessions(settings, models), *make_drain(settings)),
        services=offered,
        encryption=parts.encryption,
        oauth=oauth.services,
        redis=parts.redis,
        serving=make_serving(parts),
        report=(*report, *_reported(given, settings, mfa)),
    )


def _reported(given: Settings, settings: Settings, mfa: MfaParts | None) -> tuple[str, ...]:
    """What the start says of the settings: as `given`, and as they are."""
    parts = (mail_report(settings), audit_report(settings), mfa_report(mfa))
    return (*chain.from_iterable(parts), *loosened(given, settings))


def _parts(
    settings: Settings,
    secrets: tuple[Secret, ...],
    user_model: type[Account],
    issuers: Sequence[ForeignIssuer],
) -> Parts:
    database = Database(settings.database_or_embedded)
    redis = channel = None
    if settings.redis is not None:
        from zenith.stores.redis import (  # noqa: PLC0415  who has none does not wait for it
            RedisRevocationChannel,
            connect_redis,
        )

        redis = connect_redis(settings.redis)
        channel = RedisRevocationChannel(redis)
    revocations = RevocationList(SqlRevocationStore(database), channel=channel)
    return Parts(settings, secrets, database, redis, revocations, user_model, issuers=issuers)


# Once in a process, when its first application is made: all that applications are made of is loaded
# and stays until the process ends, so that the garbage collector need never look through it. That
# spares the start, and each full collection while requests wait. `gc.unfreeze()` takes it back.
gc.freeze()
