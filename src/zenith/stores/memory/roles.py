"""Roles in process memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from zenith.kernel.errors import ServiceUnavailableError
from zenith.rbac import EVERYWHERE, RoleAssignment, RoleDefinition, StoredRoles
from zenith.rbac.store import GrantOutcome, RevokeOutcome
from zenith.stores.memory.accounts import MemoryAccountStore

Key: TypeAlias = tuple[str, str, str]


class MemoryRoleStore:
    """Roles that end with the process; what is held everywhere and for good is kept with the
    accounts. Beyond `max_entries` a further assignment raises ServiceUnavailableError.
    """

    def __init__(self, accounts: MemoryAccountStore, *, max_entries: int = 100_000) -> None:
        self._accounts: Final = accounts
        self._max: Final = max_entries
        self._version = 0
        self._definitions: Final[dict[str, RoleDefinition]] = {}
        self._assigned: Final[dict[Key, RoleAssignment]] = {}
        self._lasting: Final[dict[tuple[str, str], RoleAssignment]] = {}

    async def version(self) -> int:
        """Grows with each change of a definition."""
        return self._version

    async def load(self) -> StoredRoles:
        """The definitions and their version, of one moment."""
        return StoredRoles(version=self._version, definitions=tuple(self._definitions.values()))

    async def put(self, definition: RoleDefinition, *, expected: int, fresh: bool) -> bool:
        """Store or replace a definition; False unless `expected` is the version."""
        if expected != self._version:
            return False
        if fresh:
            self._release(definition.name)
        self._definitions[definition.name] = definition
        self._version += 1
        return True

    async def rename(
        self, former: str, definition: RoleDefinition, *, expected: int
    ) -> Sequence[str] | None:
        """Replace a definition by one of another name, and give its holders that one."""
        if expected != self._version:
            return None
        self._release(definition.name)
        held = self._holders_of(former)
        self._definitions.pop(former, None)
        self._definitions[definition.name] = definition
        for key in [key for key in self._assigned if key[1] == former]:
            moved = replace(self._assigned.pop(key), role=definition.name)
            self._assigned[moved.account_id, moved.role, moved.tenant] = moved
        self._accounts.exchange_role(former, definition.name)
        self._version += 1
        return held

    async def remove(self, name: str, *, expected: int, release: bool) -> Sequence[str] | None:
        """Forget a definition, and with `release` all assignments of the role."""
        if expected != self._version:
            return None
        self._definitions.pop(name, None)
        self._version += 1
        if not release:
            return ()
        held = self._holders_of(name)
        self._release(name)
        return held

    async def assignments(self, account_id: str) -> Sequence[RoleAssignment]:
        """Every assignment of the account; the lasting ones first."""
        return [*self._lasting_of(account_id), *await self.limited(account_id)]

    async def limited(self, account_id: str) -> Sequence[RoleAssignment]:
        """Those of them that have a tenant or an end."""
        if self._accounts.get(account_id) is None:
            return []
        found = [key for key in self._assigned if key[0] == account_id]
        return [self._assigned[key] for key in sorted(found)]

    async def holders(
        self, role: str, *, after: tuple[str, str] | None, limit: int
    ) -> Sequence[RoleAssignment]:
        """Assignments of the role in the order of account and tenant, those after `after`."""
        found = [
            each
            for account_id in sorted(self._holders_of(role))
            for each in sorted(await self.assignments(account_id), key=lambda each: each.tenant)
            if each.role == role and (after is None or (account_id, each.tenant) > after)
        ]
        return found[: max(0, limit)]

    async def grant(self, assignment: RoleAssignment, *, expected: int) -> GrantOutcome:
        """Give a role, or change until when it is held."""
        if expected != self._version:
            return "outdated"
        account = self._accounts.get(assignment.account_id)
        if account is None:
            return "unknown"
        if assignment.tenant == EVERYWHERE and assignment.role in account.roles:
            return "unchanged" if assignment.is_lasting else "held"
        key = (assignment.account_id, assignment.role, assignment.tenant)
        if assignment.is_lasting:
            self._assigned.pop(key, None)
            self._accounts.give_role(account.id, assignment.role)
            self._lasting[account.id, assignment.role] = assignment
            return "granted"
        present = self._assigned.get(key)
        if present is not None and present.expires_at == assignment.expires_at:
            return "unchanged"
        if present is None and len(self._assigned) >= self._max:
            raise ServiceUnavailableError(reason=f"memory holds {self._max} assignments already")
        self._assigned[key] = assignment
        return "granted"

    async def revoke(
        self, account_id: str, role: str, tenant: str, *, keep_one: str | None
    ) -> RevokeOutcome:
        """Take a role away in `tenant`, unless the last unlocked holder of `keep_one` would lose
        it.
        """
        account = self._accounts.get(account_id)
        lasting = tenant == EVERYWHERE and account is not None and role in account.roles
        if lasting and role == keep_one and self._accounts.is_last(account_id, role):
            return "kept"
        gone = self._assigned.pop((account_id, role, tenant), None)
        if lasting:
            self._accounts.take_role(account_id, role)
        return "revoked" if lasting or gone is not None else "unknown"

    async def prune(self, now: float) -> int:
        """Remove assignments that have ended; how many there were."""
        ended = [
            key
            for key, each in self._assigned.items()
            if each.expires_at is not None and each.expires_at <= now
        ]
        for key in ended:
            del self._assigned[key]
        return len(ended)

    def _lasting_of(self, account_id: str) -> Iterator[RoleAssignment]:
        account = self._accounts.get(account_id)
        for role in () if account is None else account.roles:
            plain = RoleAssignment(account_id=account_id, role=role)
            yield self._lasting.get((account_id, role), plain)

    def _holders_of(self, role: str) -> list[str]:
        assigned = {key[0] for key in self._assigned if key[1] == role}
        present = {each for each in assigned if self._accounts.get(each) is not None}
        return list(present | self._accounts.holders(role))

    def _release(self, role: str) -> None:
        for key in [key for key in self._assigned if key[1] == role]:
            del self._assigned[key]
        for account_id in self._accounts.holders(role):
            self._accounts.take_role(account_id, role)
