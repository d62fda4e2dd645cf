"""Families of refresh tokens in process memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from zenith.kernel.errors import ConflictError
from zenith.stores.memory.expiry import Expiry
from zenith.tokens.store import RefreshFamily, Rotation, RotationOutcome


@dataclass(slots=True, kw_only=True)
class _Family:
    id: str
    account_id: str
    handle: str
    current: str
    created_at: float
    expires_at: float
    previous: str | None = None
    rotated_at: float = 0.0
    revoked_at: float | None = None

    def is_alive(self, now: float) -> bool:
        return self.revoked_at is None and self.expires_at > now


class MemoryRefreshStore:
    """Refresh families that end with the process. Beyond `max_entries` the one that ends first
    ends now: its owner signs in again.
    """

    def __init__(self, *, max_entries: int = 100_000) -> None:
        self._max: Final = max_entries
        self._families: dict[str, _Family] = {}
        self._ids: dict[str, str] = {}
        self._of: dict[str, set[str]] = {}
        self._expiry: Final = Expiry[str](self._end_of)

    async def start(self, family: RefreshFamily) -> None:
        """Store a new family. Raises ConflictError if its id or handle exists."""
        if family.id in self._families or family.handle in self._ids:
            raise ConflictError(reason="refresh family exists")
        for expired in self._expiry.due(family.created_at):
            self._remove(expired)
        while len(self._families) >= self._max and (soonest := self._expiry.soonest()) is not None:
            self._remove(soonest)
        self._families[family.id] = _Family(
            id=family.id,
            account_id=family.account_id,
            handle=family.handle,
            current=family.current,
            created_at=family.created_at,
            expires_at=family.expires_at,
        )
        self._ids[family.handle] = family.id
        self._of.setdefault(family.account_id, set()).add(family.id)
        self._expiry.add(family.id, family.expires_at, held=len(self._families))

    async def rotate(
        self, *, handle: str, presented: str, successor: str, now: float, grace: float
    ) -> Rotation:
        """Replace `presented` by `successor` as the family's current token."""
        family = self._families.get(self._ids.get(handle, ""))
        if family is None:
            return Rotation(outcome="unknown")
        outcome = _judge(family, presented=presented, now=now, grace=grace)
        if outcome == "rotated":
            family.previous, family.current, family.rotated_at = presented, successor, now
        elif outcome == "reused":
            family.revoked_at = now
        return Rotation(
            outcome=outcome,
            family_id=family.id,
            account_id=family.account_id,
            current=family.current,
            expires_at=family.expires_at,
        )

    async def find(self, *, handle: str, now: float) -> RefreshFamily | None:
        """The family with this handle, if it is neither revoked nor expired."""
        family = self._families.get(self._ids.get(handle, ""))
        if family is None or not family.is_alive(now):
            return None
        return RefreshFamily(
            id=family.id,
            account_id=family.account_id,
            handle=family.handle,
            current=family.current,
            created_at=family.created_at,
            expires_at=family.expires_at,
        )

    async def revoke_family(self, family_id: str, *, now: float) -> bool:
        """Revoke the family; True if it was alive."""
        family = self._families.get(family_id)
        if family is None or not family.is_alive(now):
            return False
        family.revoked_at = now
        return True

    async def revoke_account(self, account_id: str, *, now: float, keep: str | None = None) -> int:
        """Revoke every living family of the account but `keep`; how many it were."""
        families = [self._families[each] for each in self._of.get(account_id, ()) if each != keep]
        alive = [family for family in families if family.is_alive(now)]
        for family in alive:
            family.revoked_at = now
        return len(alive)

    async def prune(self, now: float) -> int:
        """Delete the families that have ended; how many it were."""
        pruned = 0
        for family_id in self._expiry.due(now, None):
            self._remove(family_id)
            pruned += 1
        return pruned

    def _remove(self, family_id: str) -> None:
        family = self._families.pop(family_id)
        del self._ids[family.handle]
        held = self._of[family.account_id]
        held.discard(family_id)
        if not held:
            del self._of[family.account_id]

    def _end_of(self, family_id: str) -> float | None:
        family = self._families.get(family_id)
        return None if family is None else family.expires_at


def _judge(family: _Family, *, presented: str, now: float, grace: float) -> RotationOutcome:
    if family.revoked_at is not None:
        return "revoked"
    if family.expires_at <= now:
        return "expired"
    if presented == family.current:
        return "rotated"
    if presented == family.previous and now - family.rotated_at <= grace:
        return "replayed"
    return "reused"
