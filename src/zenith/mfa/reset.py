"""What administrators do for a member who has lost every factor."""

from __future__ import annotations

from typing import Final

from zenith.accounts import AccountStore, Client, SignIn
from zenith.accounts.notices import Notices
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import ConflictError, PermissionDeniedError
from zenith.kernel.events import EventSink, EventType
from zenith.kernel.one_step import one_step
from zenith.kernel.principal import Principal
from zenith.mfa.enrolment import seen
from zenith.mfa.store import FactorStore
from zenith.rbac import CurrentRoles, can_grant

EVERY_FACTOR: Final = "Every second factor"


class FactorReset:
    """Removes all second factors of another account.

    Threat: a help desk that is talked into it, or an administrator who takes over accounts with
    roles above its own (ASVS 6.4.4, 8.2.1). The owner is told by mail, every sign-in of the account
    ends, and the audit log says who did it before the answer leaves.
    """

    def __init__(
        self,
        *,
        accounts: AccountStore,
        store: FactorStore,
        sign_in: SignIn,
        notices: Notices,
        events: EventSink,
        roles: CurrentRoles,
        clock: Clock = wall_clock,
    ) -> None:
        self._accounts: Final = accounts
        self._store: Final = store
        self._sign_in: Final = sign_in
        self._notices: Final = notices
        self._events: Final = events
        self._roles: Final = roles
        self._clock: Final = clock

    async def reset(self, actor: Principal, account_id: str, *, client: Client) -> bool:
        """Remove the account's factors; False if it has none or is unknown.

        Raises ConflictError for one's own account, whose factors are removed one by one with a
        proof, and PermissionDeniedError for one with roles that the actor does not hold.
        """
        if actor.subject == account_id:
            raise ConflictError("Remove your own factors on your account's page")
        account = await self._accounts.by_id(account_id)
        if account is None:
            return False
        roles = self._roles.current
        if not can_grant(actor, account.roles, roles, permissions=account.permissions):
            raise PermissionDeniedError(
                "This account has roles that you do not hold", reason=f"target {account_id}"
            )
        async with one_step():
            removed = await self._store.remove_all(account_id)
            if removed:
                await self._events.record(
                    client.event(
                        EventType.FACTORS_RESET,
                        "success",
                        at=self._clock(),
                        subject=actor.subject,
                        target=account_id,
                        session_id=actor.session_id,
                        severity="WARNING",
                    )
                )
        # Also where there was none: an earlier reset may have failed before this step.
        await self._sign_in.end_all(account_id)
        if not removed:
            return False
        facts = seen(client, self._clock())
        await self._notices.tell(account, "factor_removed", factor=EVERY_FACTOR, **facts)
        return True
