"""Temporary bans, in process memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from zenith.abuse.bans import Ban, BanTarget


class MemoryBanStore:
    """Bans that end with the process. Never waits, so each verb is one step."""

    def __init__(self) -> None:
        self._bans: Final[dict[BanTarget, Ban]] = {}

    async def put(self, ban: Ban) -> Ban:
        """Store `ban` in place of what was said of its target before."""
        known = self._bans.get(ban.target)
        kept = replace(ban, offences=0 if known is None else known.offences)
        self._bans[ban.target] = kept
        return kept

    async def offend(self, ban: Ban, *, durations: Sequence[float], memory: float) -> Ban | None:
        """Ban the target unless it is banned; how long, its offences decide."""
        now, known, count = ban.created_at, self._bans.get(ban.target), 1
        if known is not None:
            if known.until is None or known.until > now:
                return None
            count = 1 if known.until <= now - memory else known.offences + 1
        until = now + durations[min(count, len(durations)) - 1]
        made = self._bans[ban.target] = replace(ban, until=until, offences=count)
        return made

    async def lift(self, target: BanTarget, *, now: float) -> Ban | None:
        """End the ban at `now` and forget the offences."""
        known = self._bans.get(target)
        if known is None or not known.holds(now):
            return None
        lifted = self._bans[target] = replace(known, until=now, updated_at=now, offences=0)
        return lifted

    async def since(self, moment: float, *, alive_at: float) -> Sequence[Ban]:
        """Those that were changed at `moment` or later and that end after `alive_at`."""
        every = self._bans.values()
        return [ban for ban in every if ban.updated_at >= moment and ban.holds(alive_at)]

    async def active(
        self, *, now: float, limit: int, offset: int = 0, search: str = ""
    ) -> Sequence[Ban]:
        """Those that hold at `now`, the newest first."""
        part = search.lower()
        found = [
            ban
            for ban in self._bans.values()
            if ban.holds(now) and (part in ban.target.key.lower() or part in ban.reason.lower())
        ]
        found.sort(key=lambda ban: (-ban.created_at, ban.target.kind, ban.target.key))
        return found[offset : offset + limit]

    async def find(self, target: BanTarget) -> Ban | None:
        """The ban of exactly this target, ended or not."""
        return self._bans.get(target)

    async def prune(self, *, before: float) -> int:
        """Remove those that ended before; how many there were."""
        over = [
            target
            for target, ban in self._bans.items()
            if ban.until is not None and ban.until < before
        ]
        for target in over:
            del self._bans[target]
        return len(over)
