"""The end of one's own account."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from zenith.accounts.cleanup import AccountCleanup, clean_up
from zenith.accounts.client import Client
from zenith.accounts.errors import LastAdministratorError
from zenith.accounts.notices import Notices
from zenith.accounts.password_proof import PasswordProof
from zenith.accounts.sign_in import SignIn
from zenith.accounts.store import AccountStore
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.events import EventSink, EventType
from zenith.kernel.one_step import one_step
from zenith.kernel.principal import Principal

Erase: TypeAlias = Callable[[str], Awaitable[object]]


class Deletion:
    """Deletes accounts for their owners.

    Threat: a stolen session that destroys an account (ASVS 7.5.1), credentials that outlive it
    (ASVS 7.4.1, 7.4.2), and an application that nobody can administer any more. The audit log keeps
    the account's id and nothing else of it. `erase`, where given, destroys the account's subject
    key in the same step.
    """

    def __init__(
        self,
        *,
        accounts: AccountStore,
        proof: PasswordProof,
        sign_in: SignIn,
        notices: Notices,
        events: EventSink,
        administrator_role: str,
        cleanups: Sequence[AccountCleanup] = (),
        erase: Erase | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self._accounts: Final = accounts
        self._proof: Final = proof
        self._sign_in: Final = sign_in
        self._notices: Final = notices
        self._events: Final = events
        self._administrator_role: Final = administrator_role
        self._cleanups: Final = tuple(cleanups)
        self._erase: Final = erase
        self._clock: Final = clock

    async def delete(self, principal: Principal, password: str, *, client: Client) -> None:
        """Delete the caller's account and all that belongs to it.

        Raises InvalidCredentialsError, RateLimitError and LastAdministratorError.
        """
        account = await self._proof.check(principal, password, client=client)
        # Access tokens are believed without a look at the account: all others end before it does,
        # this one with it, for an administrator who must stay keeps it.
        await self._sign_in.end_all(account.id, keep=principal.session_id)
        async with one_step():
            # While the keys' rows are there: caches are told of each. In the step, so that an
            # administrator who must stay keeps them.
            await clean_up(self._cleanups, account.id, reason="account deleted", client=client)
            outcome = await self._accounts.delete(account.id, keep_one=self._administrator_role)
            if outcome == "kept":
                raise LastAdministratorError(
                    "You are the last administrator: appoint another one first"
                )
            if self._erase is not None:
                # With the account or not at all: nothing brings back what its key has encrypted.
                await self._erase(account.id)
            # Within the step, so that none outlives it whatever happens next.
            await self._sign_in.end_all(account.id)
            await self._events.record(
                client.event(
                    EventType.ACCOUNT_DELETED,
                    "success",
                    at=self._clock(),
                    subject=account.id,
                    target=account.id,
                    session_id=principal.session_id,
                    severity="WARNING",
                )
            )
        # Once more: for whoever signed in meanwhile.
        await self._sign_in.end_all(account.id)
        await self._notices.tell(account, "account_deleted")
