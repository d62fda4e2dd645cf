"""Changing one's password."""

from __future__ import annotations

from typing import Final

from zenith.accounts.client import Client
from zenith.accounts.errors import InvalidCredentialsError, WeakPasswordError
from zenith.accounts.limits import AttemptLimits
from zenith.accounts.notices import Notices, seen
from zenith.accounts.sign_in import PASSWORD_FACTOR, SignIn
from zenith.accounts.store import AccountStore
from zenith.accounts.stored_password import verified
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import AuthenticationError, ConflictError
from zenith.kernel.events import EventSink, EventType, Outcome
from zenith.kernel.one_step import one_step
from zenith.kernel.principal import Principal
from zenith.passwords import PasswordHasher, PasswordJudge
from zenith.sessions import SessionRecord


class PasswordChange:
    """Replaces a password for who knows the present one.

    Threat: a borrowed browser or a stolen session that makes itself the owner (ASVS 6.2.3), and
    sessions of a thief that survive the change (ASVS 7.4.3).
    """

    def __init__(
        self,
        *,
        accounts: AccountStore,
        hasher: PasswordHasher,
        judge: PasswordJudge,
        limits: AttemptLimits,
        sign_in: SignIn,
        events: EventSink,
        notices: Notices,
        clock: Clock = wall_clock,
    ) -> None:
        self._accounts: Final = accounts
        self._hasher: Final = hasher
        self._judge: Final = judge
        self._limits: Final = limits
        self._sign_in: Final = sign_in
        self._events: Final = events
        self._notices: Final = notices
        self._clock: Final = clock

    async def change(
        self, principal: Principal, current: str, new: str, *, client: Client
    ) -> tuple[SessionRecord, str | None] | None:
        """Set `new` if `current` is right, and end every other sign-in of the account.

        Returns the principal's session and its new cookie, if it has one: whoever copied the
        cookie before has nothing any more (ASVS 7.2.4).

        Raises InvalidCredentialsError, WeakPasswordError, RateLimitError, and ConflictError where
        another change was first.
        """
        account = await self._accounts.by_id(principal.subject)
        if account is None or account.password_hash is None or not account.is_active:
            raise AuthenticationError(reason="no account with a password")
        await self._limits.admit_password_check(client, account.id)
        if not await verified(self._hasher, current, account):
            reason = "wrong password"
            await self._record(principal, client, "failure", reason)
            raise InvalidCredentialsError("Your current password is wrong", reason=reason)
        result = await self._judge.check(new, context=(account.email_key, account.name))
        if not result.ok:
            raise WeakPasswordError.of(result, field="new_password")
        hashed = await self._hasher.hash(new)
        # Twice: before, so that no failure from here on leaves a thief signed in beside the new
        # password; and after, for who signed in meanwhile with the old one.
        await self._sign_in.end_all(account.id, keep=principal.session_id)
        async with one_step():
            changed = await self._accounts.set_password(
                account.id, hashed, expected=account.password_hash, changed_at=self._clock()
            )
            if not changed:
                raise ConflictError("The password was changed elsewhere a moment ago; try again")
            await self._record(principal, client, "success", "")
        await self._sign_in.end_all(account.id, keep=principal.session_id)
        await self._notices.tell(account, "password_changed", **seen(client, self._clock()))
        return await self._sign_in.renew(principal, {PASSWORD_FACTOR: self._clock()})

    async def _record(
        self, principal: Principal, client: Client, outcome: Outcome, reason: str
    ) -> None:
        kind, now = EventType.PASSWORD_CHANGED, self._clock()
        await self._events.record(client.own_event(principal, kind, outcome, at=now, reason=reason))
