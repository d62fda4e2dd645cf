"""What an actor will still hold when the present is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from zenith.accounts.store import AccountStore
from zenith.kernel.errors import PermissionDeniedError
from zenith.kernel.principal import Principal
from zenith.rbac import EVERYWHERE, RoleAssignment, RoleSet, can_grant, holder


class Assignments(Protocol):
    """Finds what an account holds; a `RoleStore` does."""

    async def limited(self, account_id: str) -> Sequence[RoleAssignment]:
        """Those assignments of the account that have a tenant or an end."""
        ...


class Standing:
    """Judges whether somebody may give for good what he holds for a while.

    Threat: an administrator until tonight who makes a friend, and through him himself, one for
    ever; and one whose roles were taken away a moment ago (ASVS 8.2.1, 8.3.2). So what is given
    must be held twice: by the credential that asks, and by the account as the store has it now,
    for as long as the gift shall last.
    """

    def __init__(self, accounts: AccountStore, assignments: Assignments) -> None:
        self._accounts: Final = accounts
        self._assignments: Final = assignments

    async def of(
        self,
        actor: Principal,
        roles: RoleSet,
        *,
        tenant: str = EVERYWHERE,
        until: float | None = None,
    ) -> Principal:
        """The actor with what it holds in `tenant` up to `until`, Unix seconds; None is for good.

        Raises PermissionDeniedError for who is no account: only the command line, which whoever
        holds the machine runs, is believed as it is.
        """
        if actor.kind == "service" and actor.scheme == "cli":
            return actor
        account = await self._accounts.by_id(actor.subject) if actor.kind == "user" else None
        if account is None or not account.is_active:
            raise PermissionDeniedError("Only accounts can do this", reason=f"kind {actor.kind}")
        lasting = [
            each.role
            for each in await self._assignments.limited(account.id)
            if each.tenant in (EVERYWHERE, tenant) and _lasts(each, until)
        ]
        return holder(actor, roles, (*account.roles, *lasting), account.permissions)

    async def may_grant(
        self,
        actor: Principal,
        granted: Iterable[str],
        roles: RoleSet,
        *,
        permissions: Iterable[str] = (),
        tenant: str = EVERYWHERE,
        until: float | None = None,
    ) -> bool:
        """Whether `can_grant` says so now, and of all the time up to `until`."""
        granted, permissions = tuple(granted), tuple(permissions)
        if not can_grant(actor, granted, roles, permissions=permissions, tenant=tenant):
            return False
        lasting = await self.of(actor, roles, tenant=tenant, until=until)
        return can_grant(lasting, granted, roles, permissions=permissions, tenant=tenant)


def _lasts(assignment: RoleAssignment, until: float | None) -> bool:
    end = assignment.expires_at
    return end is None or (until is not None and end >= until)
