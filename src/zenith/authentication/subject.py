"""What is known of a subject now: whether it is active and what it may do."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import field, replace
from functools import partial
from types import MappingProxyType
from typing import Final, Protocol, TypeVar

from zenith.authentication.revocation import RevocationList
from zenith.authentication.store import Revocation
from zenith.kernel.clock import Clock, steady_clock
from zenith.kernel.permissions import NO_PERMISSIONS, Permissions
from zenith.kernel.principal import Principal
from zenith.kernel.records import dataclass
from zenith.kernel.shared_reads import SharedReads

Key = TypeVar("Key", bound=Hashable)

MAX_AGE: Final = 1.0
MAX_SUBJECTS: Final = 10_000
NO_ENDS: Final[Mapping[str, float]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An account as schemes need it."""

    id: str
    active: bool
    roles: frozenset[str] = frozenset()
    """Held roles and those that they imply."""
    held_roles: tuple[str, ...] = ()
    """As assigned: what a token carries, to be compiled anew where it is verified."""
    ending_roles: Mapping[str, float] = field(default_factory=lambda: NO_ENDS)
    """Roles assigned for a time, and the Unix times at which they end."""
    own_permissions: tuple[str, ...] = ()
    """Grants beyond those of the roles."""
    permissions: Permissions = NO_PERMISSIONS
    tenants: frozenset[str] = frozenset()
    """Those that it belongs to: where some role is assigned to it now."""
    tenant: str | None = None
    """The tenant in which all this holds; None outside of them, where only what was assigned
    everywhere counts."""


class Grants(Protocol):
    """Compiles roles and own permissions; `rbac` provides it."""

    def __call__(
        self, roles: Iterable[str], permissions: Iterable[str]
    ) -> tuple[frozenset[str], Permissions]:
        """All roles held or implied, and the permissions that follow."""
        ...


class SubjectSource(Protocol):
    """Finds subjects; `accounts` provides it."""

    async def find(self, subject_id: str, tenant: str | None = None) -> Subject | None:
        """The subject with what it may do in `tenant`, or None if it does not exist."""
        ...


class SubjectCache:
    """Subjects by id and tenant, at most one second old, dropped at once when something of them is
    revoked, and all of them when a role has changed.
    """

    def __init__(
        self, source: SubjectSource, revocations: RevocationList, *, steady: Clock = steady_clock
    ) -> None:
        self._source: Final = source
        self._steady: Final = steady
        self._subjects: OrderedDict[str, tuple[float, Subject]] = OrderedDict()
        self._in_tenants: OrderedDict[tuple[str, str], tuple[float, Subject]] = OrderedDict()
        self._generation = 0
        self._reads: Final[SharedReads[Subject | None]] = SharedReads()
        revocations.subscribe(self._drop)

    def peek(self, subject_id: str, tenant: str | None = None) -> Subject | None:
        """The subject as it was at most `MAX_AGE` seconds ago, in `tenant`, if it is known here."""
        if tenant is None:
            cached = self._subjects.get(subject_id)
        else:
            cached = self._in_tenants.get((subject_id, tenant))
        if cached is None or self._steady() - cached[0] >= MAX_AGE:
            return None
        return cached[1]

    async def find(self, subject_id: str, tenant: str | None = None) -> Subject | None:
        """The subject as it was at most `MAX_AGE` seconds ago, in `tenant`."""
        if tenant is None:
            return await self._find(self._subjects, subject_id, subject_id, None)
        return await self._find(self._in_tenants, (subject_id, tenant), subject_id, tenant)

    async def _find(
        self,
        known: OrderedDict[Key, tuple[float, Subject]],
        key: Key,
        subject_id: str,
        tenant: str | None,
    ) -> Subject | None:
        now = self._steady()
        cached = known.get(key)
        if cached is not None and now - cached[0] < MAX_AGE:
            return cached[1]
        read = partial(self._read, known, key, subject_id, tenant)
        return await self._reads.of(key, self._generation, read)

    async def _read(
        self,
        known: OrderedDict[Key, tuple[float, Subject]],
        key: Key,
        subject_id: str,
        tenant: str | None,
    ) -> Subject | None:
        now, generation = self._steady(), self._generation
        subject = await (
            self._source.find(subject_id)
            if tenant is None
            else self._source.find(subject_id, tenant)
        )
        if subject is None:
            known.pop(key, None)
            return None
        if generation == self._generation:
            # Otherwise something was revoked while the store answered: its answer may be stale.
            known[key] = (now, subject)
            known.move_to_end(key)
            if len(known) > MAX_SUBJECTS:
                known.popitem(last=False)
        return subject

    def _drop(self, revocation: Revocation) -> None:
        self._generation += 1
        if revocation.kind == "roles":
            self._subjects.clear()
            self._in_tenants.clear()
        elif revocation.kind == "subject":
            self._subjects.pop(revocation.key, None)
            for key in [key for key in self._in_tenants if key[0] == revocation.key]:
                del self._in_tenants[key]


def acting_in(principal: Principal, subject: Subject) -> Principal:
    """`principal` with what `subject`, the same account in one tenant, may do there.

    Threat: roles of one tenant that count in another (ASVS 8.4.1). For whoever finds out the tenant
    of a request: `acting_in(principal, await subjects.find(principal.subject, tenant))`. Raises
    ValueError for a principal that is not this person, or whose credential was narrowed: that one
    keeps what it was narrowed to, everywhere and nowhere more.
    """
    if principal.kind != "user" or principal.subject != subject.id or principal.scopes is not None:
        raise ValueError("only a person's own, whole credential can act in a tenant")
    return replace(
        principal, roles=subject.roles, permissions=subject.permissions, tenant=subject.tenant
    )
