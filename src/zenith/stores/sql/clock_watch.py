"""How far this machine's clock is from the database's."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from sqlalchemy import Double, cast, func, select

from zenith.kernel.clock import Clock, steady_clock, wall_clock
from zenith.stores.sql.database import Database

WORRYING: Final = 5.0
"""Seconds of difference that are told; processes miss each other's revocations at 30."""
LOOKS: Final = 3
_NOW: Final = select(cast(func.extract("epoch", func.clock_timestamp()), Double).label("now"))
_log: Final = logging.getLogger("zenith")


async def clock_skew(
    database: Database, *, clock: Clock = wall_clock, steady: Clock = steady_clock
) -> float:
    """Seconds by which this machine's clock is ahead of the database's; negative if it is behind.

    The quickest of a few looks counts: half of its way is all that it can be wrong by. SQLite has
    the clock of the machine. Raises ServiceUnavailableError.
    """
    if database.dialect == "sqlite":
        return 0.0
    looks: list[tuple[float, float]] = []
    for _ in range(LOOKS):
        begun = steady()
        rows = await database.rows(_NOW)
        way = steady() - begun
        looks.append((way, clock() - way / 2 - rows[0].now))
    return min(looks)[1]


class ClockWatch:
    """Tells the operator when this machine's clock is wrong.

    Threat: a revocation or a ban that other processes do not learn of, because it was dated by a
    clock that is behind theirs by more than they look back; a token that outlives its revocation
    (ASVS 7.4.1, 16.2.2). Every process compares itself with the one clock that all of them share,
    the database's: at its start, and again as often as it tidies up.
    """

    def __init__(
        self, database: Database, *, measure: Callable[[Database], Awaitable[float]] = clock_skew
    ) -> None:
        self._database: Final = database
        self._measure: Final = measure

    async def look(self) -> int:
        """Compare, and warn beyond `WORRYING` seconds. 0: no row is removed by this."""
        skew = await self._measure(self._database)
        if abs(skew) > WORRYING:
            _log.warning(
                "the clock of this machine is %.0f seconds %s the database's: set both by NTP, or "
                "processes miss what others revoke and ban",
                abs(skew),
                "ahead of" if skew > 0 else "behind",
            )
        return 0
