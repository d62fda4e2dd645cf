"""What roles need from a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

from zenith.kernel.records import dataclass
from zenith.rbac.assignments import RoleAssignment

GrantOutcome: TypeAlias = Literal["granted", "unchanged", "unknown", "held", "outdated"]
RevokeOutcome: TypeAlias = Literal["revoked", "unknown", "kept"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleDefinition:
    """A role as it is edited at run time."""

    name: str
    permissions: tuple[str, ...] = ()
    inherits: tuple[str, ...] = ()
    """Roles that it implies, whatever the levels."""
    level: int | None = None
    """It implies every role with a lower one, and those with a higher one imply it; None for a
    role beside the levels."""
    description: str = ""
    changed_at: float = 0.0
    changed_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRoles:
    """All definitions of the store, as they were together."""

    version: int
    definitions: tuple[RoleDefinition, ...]


class RoleStore(Protocol):
    """Definitions and assignments. Each verb is one step.

    A change of definitions names the version that it was judged by and is refused where another
    came between: what was checked is what happens.
    """

    async def version(self) -> int:
        """Grows with each change of a definition."""
        ...

    async def load(self) -> StoredRoles:
        """The definitions and their version, of one moment."""
        ...

    async def put(self, definition: RoleDefinition, *, expected: int, fresh: bool) -> bool:
        """Store or replace a definition; False, and nothing changed, unless `expected` is the
        version. `fresh` says that there was no such role: assignments that one of the same name
        left behind end.
        """
        ...

    async def rename(
        self, former: str, definition: RoleDefinition, *, expected: int
    ) -> Sequence[str] | None:
        """Replace a definition by one of another name, and give its holders that one; the ids of
        the accounts that held it, or None as `put` says False.
        """
        ...

    async def remove(self, name: str, *, expected: int, release: bool) -> Sequence[str] | None:
        """Forget a definition, and with `release` all assignments of the role; the ids of the
        accounts that lost it, or None as `put` says False.
        """
        ...

    async def assignments(self, account_id: str) -> Sequence[RoleAssignment]:
        """Every assignment of the account, those that have ended included until they are pruned;
        the lasting ones first.
        """
        ...

    async def limited(self, account_id: str) -> Sequence[RoleAssignment]:
        """Those of them that have a tenant or an end."""
        ...

    async def holders(
        self, role: str, *, after: tuple[str, str] | None, limit: int
    ) -> Sequence[RoleAssignment]:
        """Assignments of the role in the order of account and tenant, those after `after`."""
        ...

    async def grant(self, assignment: RoleAssignment, *, expected: int) -> GrantOutcome:
        """Give a role, or change until when it is held.

        `unchanged` if it is held so already, `unknown` if there is no such account, `held` if the
        account holds the role everywhere and for good, which an end cannot shorten, and `outdated`
        unless `expected` is the version of the definitions.
        """
        ...

    async def revoke(
        self, account_id: str, role: str, tenant: str, *, keep_one: str | None
    ) -> RevokeOutcome:
        """Take a role away in `tenant`: `revoked`, `unknown`, or `kept` if the account is the last
        unlocked one that holds the role `keep_one` everywhere and for good, and would lose it.
        """
        ...

    async def prune(self, now: float) -> int:
        """Remove assignments that have ended; how many there were."""
        ...
