"""The ways of counting, each a pure function: (state, now, cost) -> (state, usage).

A state is one integer, 0 for a client never seen; `now` is in whole milliseconds from any origin.
All arithmetic is in integers, so that no rounding ever admits one request too many. A refused hit
leaves the state as it was. A clock that goes back by no more than a window changes nothing: what
was counted stays counted. Where it goes back further, counting starts afresh, so that nobody is
shut out until the clock has caught up.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias, cast

StrategyName: TypeAlias = Literal["fixed_window", "sliding_window", "sliding_log", "token_bucket"]
MILLISECONDS: Final = 1000


class Usage(NamedTuple):
    """Where one client stands with one limit after a hit. Times are in seconds."""

    limit: int
    remaining: int
    """How much may still be spent at once."""
    reset_after: float
    """Until, without further hits, the whole limit is there again."""
    retry_after: float
    """Until this very hit would be admitted; 0 where it was."""
    allowed: bool


_NewUsage: TypeAlias = Callable[[type[Usage], tuple[int, int, float, float, bool]], Usage]


class Strategy(Protocol):
    """One way of counting, for one number of requests in one window."""

    @property
    def horizon(self) -> int:
        """Milliseconds after the last hit at which a state says no more than 0 would."""
        ...

    def hit(self, state: int, now: int, cost: int) -> tuple[int, Usage]:
        """Spend `cost` if that is within the limit. Raises ValueError for a cost below 1."""
        ...

    def is_expired(self, state: int, now: int) -> bool:
        """Whether forgetting `state` changes nothing."""
        ...


# What NamedTuple's own constructor calls; a third of its time, on every request.
_usage: Final = cast("_NewUsage", tuple.__new__)


class FixedWindow:
    """So many requests per window, counted anew at each border of the clock.

    Cheap, and twice the limit may pass around a border: the end of one window and the start of the
    next. Where that matters, use one of the others.
    """

    __slots__ = ("_bits", "_mask", "_requests", "_window", "horizon")

    def __init__(self, requests: int, window: int) -> None:
        self._requests: Final = requests
        self._window: Final = window
        self.horizon: Final = window
        self._bits: Final = requests.bit_length()
        self._mask: Final = (1 << self._bits) - 1

    def hit(self, state: int, now: int, cost: int) -> tuple[int, Usage]:
        """Spend `cost` if that is within the limit. Raises ValueError for a cost below 1."""
        if cost < 1:
            raise ValueError("a hit costs at least 1")
        window, limit = self._window, self._requests
        index = now // window
        ahead = (state >> self._bits) - index
        if ahead == 1:
            return _as_at(self, state, (index + 1) * window, now, cost)
        used = 0 if ahead else state & self._mask
        rest = (window - now % window) / 1000
        after = used + cost
        if after > limit:
            return state, Usage(limit, limit - used, rest, rest, False)
        return index << self._bits | after, _usage(Usage, (limit, limit - after, rest, 0.0, True))

    def is_expired(self, state: int, now: int) -> bool:
        """Whether forgetting `state` changes nothing."""
        return state >> self._bits < now // self._window


class SlidingWindow:
    """So many requests in the window that ends now, from two counters.

    The hits of the previous fixed window count for the share of it that the sliding window still
    covers, as if they had been spread evenly. That makes it one integer per client instead of a
    list of times, and no burst passes at a border. Where the hits were not spread evenly the
    estimate is off: in the worst case a client that spent everything at the very end of one window
    is admitted, slowly, up to once more the limit over the whole of the next.
    """

    __slots__ = ("_bits", "_mask", "_requests", "_twice", "_window", "horizon")

    def __init__(self, requests: int, window: int) -> None:
        self._requests: Final = requests
        self._window: Final = window
        self.horizon: Final = 2 * window
        self._bits: Final = requests.bit_length()
        self._twice: Final = 2 * self._bits
        self._mask: Final = (1 << self._bits) - 1

    def hit(self, state: int, now: int, cost: int) -> tuple[int, Usage]:
        """Spend `cost` if that is within the limit. Raises ValueError for a cost below 1."""
        if cost < 1:
            raise ValueError("a hit costs at least 1")
        window, limit = self._window, self._requests
        index, into = now // window, now % window
        previous = state >> self._bits
        ahead = (previous >> self._bits) - index
        if ahead == 0:
            # Most hits: in the window of the last one.
            previous &= self._mask
            current = state & self._mask
            after = state + cost
        elif ahead == 1:
            return _as_at(self, state, (index + 1) * window, now, cost)
        else:
            previous, current = (state & self._mask if ahead == -1 else 0), 0
            after = (index << self._bits | previous) << self._bits | current + cost
        left = limit - current - cost
        if previous:
            left += previous * (into - window) // window
        if left < 0:
            return state, self._refusal(previous, current, window - into, cost)
        return after, _usage(Usage, (limit, left, (2 * window - into) / 1000, 0.0, True))

    def _refusal(self, previous: int, current: int, weight: int, cost: int) -> Usage:
        limit, window = self._requests, self._window
        remaining = max(limit - current - -(-previous * weight // window), 0)
        reset = weight + window if current else weight
        retry = _sliding_retry(limit - cost, previous, current, weight, window)
        return Usage(limit, remaining, reset / 1000, retry / 1000, False)

    def is_expired(self, state: int, now: int) -> bool:
        """Whether forgetting `state` changes nothing."""
        return (state >> self._twice) + 1 < now // self._window


def _as_at(strategy: Strategy, state: int, begin: int, now: int, cost: int) -> tuple[int, Usage]:
    """Count at `begin` of the window that the state is of, though the clock says that it is `now`,
    which is in the one before: it went back a little, and what was counted there still stands.
    """
    after, usage = strategy.hit(state, begin, cost)
    reset = (round(usage.reset_after * 1000) + begin - now) / 1000
    retry = (round(usage.retry_after * 1000) + begin - now) / 1000
    return after, usage._replace(reset_after=reset, retry_after=0.0 if usage.allowed else retry)


def _sliding_retry(room: int, previous: int, current: int, weight: int, window: int) -> int:
    """Milliseconds until the counters leave `room` (the limit less the cost) or more."""
    if room < 0:
        return window
    if current <= room:
        # Still in this window, while the previous one's hits fade: previous > 0, or it had fitted.
        return weight - (room - current) * window // previous
    return weight + window - room * window // current


TIME_BITS: Final = 48


class SlidingLog:
    """So many requests in the window that ends now, exactly: every admitted hit is remembered.

    No window of this length, wherever it begins, sees more than the limit. For that a client takes
    memory for each hit in its window (8 bytes, those of one millisecond together), so that the
    limit bounds it. Kept as one integer of entries, the oldest lowest: a time and the running total
    of costs. The entry at the bottom has expired; the totals of the others are read against its
    own. Finding what expired, and how long to wait, takes the logarithm of their number.
    """

    __slots__ = ("_bits", "_mask", "_requests", "_width", "_window", "horizon")

    def __init__(self, requests: int, window: int) -> None:
        self._requests: Final = requests
        self._window: Final = window
        self.horizon: Final = window
        self._bits: Final = requests.bit_length()
        self._mask: Final = (1 << self._bits) - 1
        self._width: Final = TIME_BITS + self._bits

    def hit(self, state: int, now: int, cost: int) -> tuple[int, Usage]:
        """Spend `cost` if that is within the limit. Raises ValueError for a cost below 1."""
        if cost < 1:
            raise ValueError("a hit costs at least 1")
        given, limit, window, width, mask = (
            state,
            self._requests,
            self._window,
            self._width,
            self._mask,
        )
        newest = self._newest(state)
        if newest - now > window:  # the clock went back far
            state = newest = 0
        size = -(-state.bit_length() // width) or 1
        first = 1
        if size > 1 and self._time(state, 1) <= now - window:
            first = bisect_right(range(size), now - window, 1, key=lambda i: self._time(state, i))
        base, last = state >> (first - 1) * width & mask, state >> (size - 1) * width & mask
        used = last - base & mask
        free = limit - used - cost
        if free < 0:
            retry, reset = window, newest + window - now if used else 0
            if cost <= limit:
                at = bisect_left(
                    range(size), -free, first, key=lambda i: (state >> i * width) - base & mask
                )
                retry = self._time(state, at) + window - now
            return given, Usage(limit, limit - used, reset / 1000, retry / 1000, False)
        at = max(now, newest)
        # Hits of one millisecond are one entry, the newest of which is written anew.
        keep = size - 1 if at == newest and first < size else size
        state = (state & (1 << keep * width) - 1) >> (first - 1) * width
        state |= (at + 1 << self._bits | last + cost & mask) << (keep - first + 1) * width
        reset = at + window - now
        return state, _usage(Usage, (limit, free, reset / 1000, 0.0, True))

    def is_expired(self, state: int, now: int) -> bool:
        """Whether forgetting `state` changes nothing."""
        return self._newest(state) + self._window <= now

    def _newest(self, state: int) -> int:
        """When the newest hit came; -1 for a state without any."""
        size = -(-state.bit_length() // self._width) or 1
        return self._time(state, size - 1)

    def _time(self, state: int, entry: int) -> int:
        return (state >> entry * self._width + self._bits & (1 << TIME_BITS) - 1) - 1


class TokenBucket:
    """A bucket of so many tokens that refills evenly over the window (GCRA).

    The whole limit may be spent in one burst; after that the pace is `requests / window`. Kept as
    the one time at which the bucket will be full again, in units of 1/requests milliseconds.
    """

    __slots__ = ("_capacity", "_requests", "_window", "horizon")

    def __init__(self, requests: int, window: int) -> None:
        self._requests: Final = requests
        self._window: Final = window
        self.horizon: Final = window
        self._capacity: Final = requests * window

    def hit(self, state: int, now: int, cost: int) -> tuple[int, Usage]:
        """Spend `cost` if that is within the limit. Raises ValueError for a cost below 1."""
        if cost < 1:
            raise ValueError("a hit costs at least 1")
        limit, window, capacity = self._requests, self._window, self._capacity
        spent = now * limit
        debt = state - spent
        if debt < 0:
            debt = 0
        elif debt > capacity:  # the clock went back
            debt = capacity if debt <= 2 * capacity else 0
        after = debt + cost * window
        free = capacity - after
        if free < 0:
            retry = -(free // limit) if cost <= limit else window
            remaining = (capacity - debt) // window
            return state, Usage(limit, remaining, -(-debt // limit) / 1000, retry / 1000, False)
        usage = _usage(Usage, (limit, free // window, -(-after // limit) / 1000, 0.0, True))
        return spent + after, usage

    def is_expired(self, state: int, now: int) -> bool:
        """Whether forgetting `state` changes nothing."""
        return state <= now * self._requests


STRATEGIES: Final[Mapping[StrategyName, Callable[[int, int], Strategy]]] = MappingProxyType(
    {
        "fixed_window": FixedWindow,
        "sliding_window": SlidingWindow,
        "sliding_log": SlidingLog,
        "token_bucket": TokenBucket,
    }
)
"""By name; each takes the number of requests and the window in milliseconds."""
