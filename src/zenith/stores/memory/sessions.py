"""Sessions in process memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from zenith.kernel.errors import ConflictError
from zenith.sessions.store import SessionRecord
from zenith.stores.memory.expiry import Expiry


class MemorySessionStore:
    """Sessions that end with the process. Beyond `max_entries` the one that would end first ends
    now: its owner signs in again.
    """

    def __init__(self, *, max_entries: int = 100_000) -> None:
        self._max: Final = max_entries
        self._records: dict[str, SessionRecord] = {}
        self._ids: dict[str, str] = {}
        self._of: dict[str, set[str]] = {}
        self._expiry: Final = Expiry[str](self._end_of)

    async def create(self, record: SessionRecord, *, at_most: int | None = None) -> Sequence[str]:
        """Store a new session and remove those beyond `at_most`; their ids. Raises ConflictError
        if its id or digest is taken.
        """
        if record.id in self._records or record.digest in self._ids:
            raise ConflictError(reason="session id or digest is taken")
        for expired in self._expiry.due(record.last_seen_at):
            self._remove(expired)
        while len(self._records) >= self._max and (soonest := self._expiry.soonest()) is not None:
            self._remove(soonest)
        idle = min(record.idle_expires_at, record.expires_at)
        self._records[record.id] = replace(
            record, idle_expires_at=idle, factors=MappingProxyType(dict(record.factors))
        )
        if record.digest is not None:
            self._ids[record.digest] = record.id
        self._of.setdefault(record.account_id, set()).add(record.id)
        self._expiry.add(record.id, idle, held=len(self._records))
        return [] if at_most is None else self._thin(record, at_most)

    async def find(self, digest: str, *, now: float) -> SessionRecord | None:
        """The live session whose cookie has this digest."""
        return self._live(self._ids.get(digest, ""), now)

    async def get(self, session_id: str, *, now: float) -> SessionRecord | None:
        """The live session with this id."""
        return self._live(session_id, now)

    async def touch(self, session_id: str, *, now: float, idle_expires_at: float) -> bool:
        """Note use: move both times forward, never back, never past `expires_at`."""
        record = self._live(session_id, now)
        if record is None:
            return False
        self._records[session_id] = replace(
            record,
            last_seen_at=max(record.last_seen_at, now),
            idle_expires_at=max(record.idle_expires_at, min(idle_expires_at, record.expires_at)),
        )
        return True

    async def rotate(
        self, old_digest: str, new_digest: str, *, now: float, factors: Mapping[str, float]
    ) -> SessionRecord | None:
        """Give a live session a new cookie and factors."""
        record = self._live(self._ids.get(old_digest, ""), now)
        if record is None:
            return None
        if new_digest != old_digest and new_digest in self._ids:
            raise ConflictError(reason="session digest is taken")
        del self._ids[old_digest]
        self._ids[new_digest] = record.id
        rotated = replace(record, digest=new_digest, factors=MappingProxyType(dict(factors)))
        self._records[record.id] = rotated
        return rotated

    async def prove(
        self, session_id: str, *, account_id: str, factors: Mapping[str, float], now: float
    ) -> SessionRecord | None:
        """Add factors to those of the account's live session that has no cookie."""
        record = self._live(session_id, now)
        if record is None or record.account_id != account_id or record.digest is not None:
            return None
        proven = replace(record, factors=MappingProxyType({**record.factors, **factors}))
        self._records[session_id] = proven
        return proven

    async def rename(self, session_id: str, *, account_id: str, name: str, now: float) -> bool:
        """Name the account's live session."""
        record = self._live(session_id, now)
        if record is None or record.account_id != account_id:
            return False
        self._records[session_id] = replace(record, name=name)
        return True

    async def end(self, session_id: str, *, account_id: str) -> bool:
        """Remove the session if it belongs to the account."""
        record = self._records.get(session_id)
        if record is None or record.account_id != account_id:
            return False
        self._remove(session_id)
        return True

    async def end_all(self, account_id: str, *, except_id: str | None = None) -> Sequence[str]:
        """Remove every session of the account but one; the ids removed."""
        ended = [each for each in self._of.get(account_id, ()) if each != except_id]
        for session_id in ended:
            self._remove(session_id)
        return ended

    async def of_account(self, account_id: str, *, now: float) -> Sequence[SessionRecord]:
        """Live sessions, newest use first."""
        found = (self._live(each, now) for each in self._of.get(account_id, ()))
        live = [record for record in found if record is not None]
        return sorted(live, key=lambda record: (-record.last_seen_at, record.id))

    async def prune(self, *, now: float) -> int:
        """Remove what is not live any more; how many there were."""
        pruned = 0
        for session_id in self._expiry.due(now, None):
            self._remove(session_id)
            pruned += 1
        return pruned

    def _thin(self, new: SessionRecord, at_most: int) -> list[str]:
        found = (self._live(each, new.last_seen_at) for each in self._of[new.account_id])
        others = [each for each in found if each is not None and each.id != new.id]
        others.sort(key=lambda each: (each.kind == new.kind, -each.last_seen_at, each.id))
        ended = [each.id for each in others[at_most - 1 :]]
        for session_id in ended:
            self._remove(session_id)
        return ended

    def _live(self, session_id: str, now: float) -> SessionRecord | None:
        record = self._records.get(session_id)
        if record is None or record.idle_expires_at <= now:
            return None
        return record

    def _remove(self, session_id: str) -> None:
        record = self._records.pop(session_id)
        if record.digest is not None:
            del self._ids[record.digest]
        held = self._of[record.account_id]
        held.discard(session_id)
        if not held:
            del self._of[record.account_id]

    def _end_of(self, session_id: str) -> float | None:
        record = self._records.get(session_id)
        return None if record is None else record.idle_expires_at
