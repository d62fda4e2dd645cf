"""Step-up: proving again, within a session, that it is still the owner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from zenith.accounts.client import Client
from zenith.accounts.errors import InvalidCredentialsError
from zenith.accounts.grants import AccessGrant, TokenGrants
from zenith.accounts.limits import AttemptLimits
from zenith.accounts.sign_in import PASSWORD_FACTOR
from zenith.accounts.store import Account, AccountStore
from zenith.accounts.stored_password import verified
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import (
    AuthenticationError,
    ConflictError,
    PermissionDeniedError,
    SecurityError,
    ValidationError,
)
from zenith.kernel.events import EventSink, EventType, Outcome
from zenith.kernel.one_step import one_step
from zenith.kernel.principal import Principal
from zenith.kernel.records import dataclass
from zenith.passwords import PasswordHasher
from zenith.sessions import SessionRecord, Sessions

MAX_PROOF: Final = 8192
"""Characters of a proof: a passkey's answer is the longest."""


class FactorCheck(Protocol):
    """One factor that can be proven again. Register it in `StepUp(checks)` under its name."""

    async def is_held(self, account: Account) -> bool:
        """Whether the account has this factor, so that it can be asked for."""
        ...

    async def verify(self, account: Account, proof: str, client: Client) -> bool:
        """Whether `proof` proves it now; a one-time code is spent by this. RateLimitError may be
        raised where the factor counts attempts of its own.
        """
        ...


class PasswordCheck:
    """The account's password as a factor."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher: Final = hasher

    async def is_held(self, account: Account) -> bool:
        """Whether the account has a password."""
        return account.password_hash is not None

    async def verify(self, account: Account, proof: str, client: Client) -> bool:
        """Whether it is the password; an account without one costs the same time."""
        del client
        return await verified(self._hasher, proof, account)


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Confirmed:
    """What a confirmation gives."""

    factor: str
    proven_at: float
    """Unix time in seconds."""
    session: SessionRecord
    cookie: str | None
    """The browser's new session cookie; the one before is dead."""
    access: AccessGrant | None
    """A new access token where the sign-in lives in tokens; the refresh token stays."""


class StepUp:
    """Verifies a factor within a session and notes when it was proven.

    Threat: a session that was left open, borrowed or stolen, and is used for what cannot be undone
    (ASVS 7.5.3, 6.3.1); a cookie stolen before the confirmation that is worth more after it (ASVS
    7.2.4); guessing at the factor from inside a session. Attempts are counted before a proof is
    looked at, the cookie changes with the proof, and of many proofs beside one cookie one counts.
    """

    def __init__(
        self,
        checks: Mapping[str, FactorCheck],
        *,
        accounts: AccountStore,
        sessions: Sessions,
        grants: TokenGrants,
        limits: AttemptLimits,
        events: EventSink,
        clock: Clock = wall_clock,
    ) -> None:
        self._checks: Final = dict(checks)
        self._accounts: Final = accounts
        self._sessions: Final = sessions
        self._grants: Final = grants
        self._limits: Final = limits
        self._events: Final = events
        self._clock: Final = clock

    @property
    def kinds(self) -> tuple[str, ...]:
        """Factors that this application can ask for."""
        return tuple(self._checks)

    async def held(self, account: Account, wanted: Sequence[str] = ()) -> tuple[str, ...]:
        """Those of the `wanted` factors, by default of all, that the account can prove."""
        asked = wanted or self.kinds
        return tuple(
            [
                name
                for name, check in self._checks.items()
                if name in asked and await check.is_held(account)
            ]
        )

    async def confirm(
        self,
        principal: Principal,
        factor: str,
        proof: str,
        *,
        client: Client,
        session: SessionRecord | None,
    ) -> Confirmed:
        """Prove `factor` for the principal's sign-in; `session` is `session_of(exchange)`.

        Raises ValidationError for a factor that is unknown, PermissionDeniedError for credentials
        that belong to no sign-in, InvalidCredentialsError for a wrong proof, RateLimitError after
        too many, and ConflictError where another confirmation was first.
        """
        check = self._checks.get(factor)
        if check is None:
            raise ValidationError("Unknown factor", reason="unknown factor")
        if principal.kind != "user" or principal.session_id is None:
            raise PermissionDeniedError(
                "This credential belongs to no sign-in", reason=f"scheme {principal.scheme}"
            )
        account = await self._accounts.by_id(principal.subject)
        if account is None or not account.is_active:
            raise AuthenticationError(reason="the account is locked or gone")
        await self._limits.admit_password_check(client, account.id)
        if len(proof) > MAX_PROOF or not await check.verify(account, proof, client):
            reason = f"wrong {factor}"
            await self._record(principal, client, "failure", reason)
            raise InvalidCredentialsError(_REFUSALS.get(factor, REFUSAL), reason=reason)
        return await self._prove(principal, principal.session_id, factor, session, client)

    async def _prove(
        self,
        principal: Principal,
        session_id: str,
        factor: str,
        session: SessionRecord | None,
        client: Client,
    ) -> Confirmed:
        now = self._clock()
        async with one_step():
            proven = await self._sessions.prove(
                session_id,
                principal.subject,
                {factor: now},
                presented=None if session is None else session.digest,
            )
            if proven is not None:
                await self._record(principal, client, "success", factor)
        if proven is None:
            raise await self._too_late(session_id)
        record, cookie = proven
        access = None
        if record.digest is None:
            access = await self._grants.access(record, thumbprint=client.thumbprint)
        return Confirmed(factor=factor, proven_at=now, session=record, cookie=cookie, access=access)

    async def _too_late(self, session_id: str) -> SecurityError:
        if await self._sessions.get(session_id) is None:
            return AuthenticationError(reason="the session ended during the confirmation")
        return ConflictError("This session was confirmed elsewhere a moment ago")

    async def _record(
        self, principal: Principal, client: Client, outcome: Outcome, reason: str
    ) -> None:
        kind, now = EventType.STEP_UP, self._clock()
        await self._events.record(client.own_event(principal, kind, outcome, at=now, reason=reason))


REFUSAL: Final = "That is not valid, or was used before"
_REFUSALS: Final[Mapping[str, str]] = {PASSWORD_FACTOR: "The password is wrong"}
