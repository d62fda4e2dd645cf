"""Time is an argument: engines receive a clock, tests pass one that stands still."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeAlias

Clock: TypeAlias = Callable[[], float]
"""Returns seconds. Wall clocks count from the Unix epoch, steady clocks from an unknown origin."""

wall_clock: Clock = time.time
"""For whatever is stored or sent: expiry, issue times, audit."""

steady_clock: Clock = time.monotonic
"""For whatever is measured inside one process: cache ages, windows in memory."""

CLOCK_MARGIN: Final = 900.0
"""Seconds for which what must not be forgotten, such as revocations and proofs that were used, is
kept beyond its end: the clock of the machine that tidies up may be ahead of all others.
"""
