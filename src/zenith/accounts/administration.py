"""What administrators do with accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from zenith.accounts.client import Client
from zenith.accounts.email import folded
from zenith.accounts.errors import LastAdministratorError
from zenith.accounts.limits import AttemptLimits
from zenith.accounts.notices import Notices
from zenith.accounts.sign_in import SignIn
from zenith.accounts.standing import Standing
from zenith.accounts.store import Account, AccountStore
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import ConflictError, PermissionDeniedError, ValidationError
from zenith.kernel.events import EventSink, EventType
from zenith.kernel.one_step import one_step
from zenith.kernel.principal import Principal
from zenith.rbac import CurrentRoles, can_grant

PAGE: Final = 50
MAX_SEARCH: Final = 254


class Administration:
    """Lists, locks and unlocks accounts, and gives them roles.

    Threat: a lock that leaves sessions and tokens alive (ASVS 7.4.2), and administrators who lock
    everybody out, themselves included.
    """

    def __init__(
        self,
        *,
        accounts: AccountStore,
        sign_in: SignIn,
        limits: AttemptLimits,
        events: EventSink,
        roles: CurrentRoles,
        standing: Standing,
        administrator_role: str,
        notices: Notices,
        clock: Clock = wall_clock,
    ) -> None:
        self._accounts: Final = accounts
        self._sign_in: Final = sign_in
        self._limits: Final = limits
        self._events: Final = events
        self._roles: Final = roles
        self._standing: Final = standing
        self._administrator_role: Final = administrator_role
        self._notices: Final = notices
        self._clock: Final = clock

    async def page(self, *, after: str | None = None, search: str = "") -> Sequence[Account]:
        """Accounts in the order of their e-mail, one more than a page holds if there are more."""
        return await self._accounts.page(
            after=after, limit=PAGE + 1, search=folded(search)[:MAX_SEARCH]
        )

    async def lock(self, actor: Principal, account_id: str, *, client: Client) -> bool:
        """Lock an account and end all that it holds, everywhere at once; False if it was locked
        or is unknown. Raises ConflictError for one's own account, PermissionDeniedError for one
        with roles that the actor does not hold, and LastAdministratorError.
        """
        if actor.subject == account_id:
            raise ConflictError("You cannot lock your own account")
        if not await self._is_within_reach(actor, account_id):
            return False
        async with one_step():
            locked = await self._accounts.set_locked(
                account_id, self._clock(), keep_one=self._administrator_role
            )
            if locked == "changed":
                await self._sign_in.end_all(account_id)
                await self._record(EventType.ACCOUNT_LOCKED, actor, account_id, client)
        if locked == "kept":
            raise LastAdministratorError
        # Once more: for whoever signed in meanwhile.
        await self._sign_in.end_all(account_id)
        if locked == "unchanged":
            return False
        account = await self._accounts.by_id(account_id)
        if account is not None:
            await self._notices.tell(
                account, "account_locked", reason="An administrator locked it."
            )
        return True

    async def unlock(self, actor: Principal, account_id: str, *, client: Client) -> bool:
        """Let the owner of a locked account sign in again, and the devices that failures of
        strangers locked out; False if it was open to all or is unknown. Raises
        PermissionDeniedError as `lock` does.
        """
        account = await self._accounts.by_id(account_id)
        if account is None or not await self._is_within_reach(actor, account_id):
            return False
        async with one_step():
            outcome = await self._accounts.set_locked(account_id, None, keep_one=None)
            unlocked = outcome == "changed"
            if unlocked:
                await self._record(EventType.ACCOUNT_UNLOCKED, actor, account_id, client)
            lifted = await self._limits.lift(account)
            if lifted:
                await self._record(EventType.LOCKOUT_LIFTED, actor, account_id, client)
        return unlocked or lifted

    async def locked_out(self, accounts: Sequence[Account]) -> Mapping[str, float]:
        """Ids of those accounts that devices unknown to them cannot sign in to, and the Unix times
        until when: too many attempts failed.
        """
        return await self._limits.locked_out(accounts)

    async def set_roles(
        self, actor: Principal, account_id: str, roles: Sequence[str], *, client: Client
    ) -> bool:
        """Replace an account's roles; its sign-ins end, so that no token says otherwise. False if
        the account is unknown.

        Threat: an administrator who gives what he does not hold, or takes it from those above him
        (ASVS 8.2.1). Raises PermissionDeniedError, LastAdministratorError, ConflictError for
        one's own account and ValidationError for a role that there is not.
        """
        if actor.subject == account_id:
            raise ConflictError("You cannot change your own roles")
        unknown = [role for role in roles if role not in self._roles.current.roles]
        if unknown:
            raise ValidationError([f"There is no role {role!r}" for role in unknown])
        if not await self._is_within_reach(actor, account_id):
            return False
        if not await self._standing.may_grant(actor, roles, self._roles.current):
            raise PermissionDeniedError("You do not hold these roles", reason=f"to {account_id}")
        # Twice, as with a lock: what fails half-way leaves no token with more than the account has.
        await self._sign_in.end_all(account_id)
        async with one_step():
            changed = await self._accounts.set_roles(
                account_id, roles, keep_one=self._administrator_role
            )
            if not changed:
                raise LastAdministratorError
            await self._record(
                EventType.ROLES_CHANGED, actor, account_id, client, reason="now " + ", ".join(roles)
            )
        await self._sign_in.end_all(account_id)
        return True

    async def _is_within_reach(self, actor: Principal, account_id: str) -> bool:
        account = await self._accounts.by_id(account_id)
        if account is None:
            return False
        roles = self._roles.current
        if not can_grant(actor, account.roles, roles, permissions=account.permissions):
            raise PermissionDeniedError(
                "This account has roles that you do not hold", reason=f"target {account_id}"
            )
        return True

    async def _record(
        self,
        kind: EventType,
        actor: Principal,
        account_id: str,
        client: Client,
        *,
        reason: str = "",
    ) -> None:
        await self._events.record(
            client.event(
                kind,
                "success",
                at=self._clock(),
                subject=actor.subject,
                target=account_id,
                session_id=actor.session_id,
                reason=reason,
                severity="WARNING",
            )
        )
