"""What is known of a subject now: whether it is active and what it may do."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from zenith.authentication.revocation import RevocationList
from zenith.authentication.store import Revocation
from zenith.kernel.clock import Clock, steady_clock
from zenith.kernel.permissions import NO_PERMISSIONS, Permissions

MAX_AGE: Final = 1.0
MAX_SUBJECTS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An account as schemes need it."""

    id: str
    active: bool
    roles: frozenset[str] = frozenset()
    """Held roles and those that they imply."""
    held_roles: tuple[str, ...] = ()
    """As assigned: what a token carries, to be compiled anew where it is verified."""
    own_permissions: tuple[str, ...] = ()
    """Grants beyond those of the roles."""
    permissions: Permissions = NO_PERMISSIONS
    tenant: str | None = None


class Grants(Protocol):
    """Compiles roles and own permissions; `rbac` provides it."""

    def __call__(
        self, roles: Iterable[str], permissions: Iterable[str]
    ) -> tuple[frozenset[str], Permissions]:
        """All roles held or implied, and the permissions that follow."""
        ...


class SubjectSource(Protocol):
    """Finds subjects; `accounts` provides it."""

    async def find(self, subject_id: str) -> Subject | None:
        """The subject, or None if it does not exist."""
        ...


class SubjectCache:
    """Subjects by id, at most one second old, dropped at once when something of them is revoked."""

    def __init__(
        self, source: SubjectSource, revocations: RevocationList, *, steady: Clock = steady_clock
    ) -> None:
        self._source: Final = source
        self._steady: Final = steady
        self._subjects: OrderedDict[str, tuple[float, Subject]] = OrderedDict()
        self._generation = 0
        revocations.subscribe(self._drop)

    def peek(self, subject_id: str) -> Subject | None:
        """The subject as it was at most `MAX_AGE` seconds ago, if it is known here."""
        cached = self._subjects.get(subject_id)
        if cached is None or self._steady() - cached[0] >= MAX_AGE:
            return None
        return cached[1]

    async def find(self, subject_id: str) -> Subject | None:
        """The subject as it was at most `MAX_AGE` seconds ago."""
        now = self._steady()
        cached = self.peek(subject_id)
        if cached is not None:
            return cached
        generation = self._generation
        subject = await self._source.find(subject_id)
        if subject is None:
            self._subjects.pop(subject_id, None)
            return None
        if generation == self._generation:
            # Otherwise something was revoked while the store answered: its answer may be stale.
            self._subjects[subject_id] = (now, subject)
            self._subjects.move_to_end(subject_id)
            if len(self._subjects) > MAX_SUBJECTS:
                self._subjects.popitem(last=False)
        return subject

    def _drop(self, revocation: Revocation) -> None:
        self._generation += 1
        if revocation.kind == "subject":
            self._subjects.pop(revocation.key, None)
