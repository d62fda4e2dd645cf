"""Accounts as schemes see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from zenith.accounts.store import AccountStore
from zenith.authentication import Grants, Subject
from zenith.kernel.clock import Clock, wall_clock
from zenith.rbac import RoleAssignment, held_roles, tenants_of


class LimitedAssignments(Protocol):
    """Finds what an account holds in a tenant or for a time; a `RoleStore` does."""

    async def limited(self, account_id: str) -> Sequence[RoleAssignment]:
        """Those assignments of the account that have a tenant or an end."""
        ...


class AccountSubjects:
    """Finds a subject among the accounts; a locked account grants nothing.

    Threat: a role that counts in another tenant, or after its end (ASVS 8.2.1, 8.4.1). Without
    `assigned` an account holds its own roles only.
    """

    def __init__(
        self,
        accounts: AccountStore,
        grants: Grants,
        *,
        assigned: LimitedAssignments | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self._accounts: Final = accounts
        self._grants: Final = grants
        self._assigned: Final = assigned
        self._clock: Final = clock

    async def find(self, subject_id: str, tenant: str | None = None) -> Subject | None:
        """The account's roles and permissions as they are now, in `tenant`."""
        account = await self._accounts.by_id(subject_id)
        if account is None:
            return None
        if not account.is_active:
            return Subject(id=account.id, active=False, tenant=tenant)
        limited = () if self._assigned is None else await self._assigned.limited(account.id)
        now = self._clock()
        held = held_roles(account.roles, limited, tenant=tenant, at=now)
        roles, permissions = self._grants(held.names, account.permissions)
        return Subject(
            id=account.id,
            active=True,
            roles=roles,
            permissions=permissions,
            held_roles=held.lasting,
            ending_roles=held.ending,
            own_permissions=account.permissions,
            tenants=tenants_of(limited, at=now),
            tenant=tenant,
        )
