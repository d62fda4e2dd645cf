"""Roles that an account holds: where, and until when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from math import inf
from types import MappingProxyType
from typing import Final

from zenith.kernel.records import dataclass

EVERYWHERE: Final = "*"
"""The tenant of an assignment that holds in all tenants, and outside of them."""

NO_ENDS: Final[Mapping[str, float]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleAssignment:
    """One role of one account. Times are Unix times in seconds."""

    account_id: str
    role: str
    tenant: str = EVERYWHERE
    expires_at: float | None = None
    """When it ends by itself; None for one that is held for good."""
    granted_by: str = ""
    """Subject id of who granted it; empty where it came with the account."""
    granted_at: float | None = None

    @property
    def is_lasting(self) -> bool:
        """Whether it holds everywhere and for good, as the roles of the account itself do."""
        return self.tenant == EVERYWHERE and self.expires_at is None

    def holds(self, *, tenant: str | None, at: float) -> bool:
        """Whether it counts in `tenant`, or outside of all tenants for None, at this moment."""
        return self.tenant in (EVERYWHERE, tenant) and (
            self.expires_at is None or at < self.expires_at
        )


@dataclass(frozen=True, slots=True)
class HeldRoles:
    """What an account holds in one tenant."""

    lasting: tuple[str, ...] = ()
    """Without an end."""
    ending: Mapping[str, float] = field(default_factory=lambda: NO_ENDS)
    """Role to the Unix time at which it ends; none that lasts too."""

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.lasting, *self.ending)


def tenants_of(assigned: Iterable[RoleAssignment], *, at: float) -> frozenset[str]:
    """The tenants in which something is held at this moment: those that the account belongs to.

    What is held everywhere makes nobody a member: whoever runs the application need not see the
    data of those who use it.
    """
    return frozenset(
        each.tenant
        for each in assigned
        if each.tenant != EVERYWHERE and each.holds(tenant=each.tenant, at=at)
    )


def held_roles(
    own: Iterable[str], assigned: Iterable[RoleAssignment], *, tenant: str | None, at: float
) -> HeldRoles:
    """What an account with the roles `own` and these assignments holds in `tenant`.

    Threat: a role of one tenant that counts in another, or for longer than it was given (ASVS
    8.2.1, 8.4.1). With None for the tenant only what holds everywhere counts.
    """
    ends: dict[str, float] = dict.fromkeys(own, inf)
    for each in assigned:
        if each.holds(tenant=tenant, at=at):
            end = inf if each.expires_at is None else each.expires_at
            ends[each.role] = max(end, ends.get(each.role, end))
    return HeldRoles(
        tuple(role for role, end in ends.items() if end == inf),
        {role: end for role, end in ends.items() if end != inf},
    )
