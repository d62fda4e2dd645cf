"""What bans need from a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from zenith.abuse.bans.ban import Ban, BanTarget


class BanStore(Protocol):
    """Bans that survive a restart and are shared by all processes. One row for each target."""

    async def put(self, ban: Ban) -> Ban:
        """Store `ban` in place of what was said of its target before, in one step; what is stored.
        The count of offences stays.
        """
        ...

    async def offend(self, ban: Ban, *, durations: Sequence[float], memory: float) -> Ban | None:
        """Ban the target from `ban.created_at` on, in one step, unless it is banned; what is
        stored, or None.

        It lasts `durations[0]` seconds for the first offence, `durations[1]` for the next, and so
        on; an offence counts as the first again `memory` seconds after the last ban ended.
        """
        ...

    async def lift(self, target: BanTarget, *, now: float) -> Ban | None:
        """End the ban at `now` and forget the offences; the ban as it is then, None if there was
        none.
        """
        ...

    async def since(self, moment: float, *, alive_at: float) -> Sequence[Ban]:
        """Those that were changed at `moment` or later and that end after `alive_at`."""
        ...

    async def active(
        self, *, now: float, limit: int, offset: int = 0, search: str = ""
    ) -> Sequence[Ban]:
        """Those that hold at `now`, the newest first; `search` is a part of target or reason."""
        ...

    async def find(self, target: BanTarget) -> Ban | None:
        """The ban of exactly this target, ended or not."""
        ...

    async def prune(self, *, before: float) -> int:
        """Remove those that ended before; how many there were."""
        ...
