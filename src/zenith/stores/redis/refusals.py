"""Who was refused, and until when: remembered here, so that a flood never reaches Redis."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from zenith.kernel.keys import digest
from zenith.rate_limits import Hit, Usage

MAX_KEY: Final = 63
MAX_REFUSALS: Final = 65_536


class Refusals:
    """The latest refusals, at most 65,536. Whoever drops out is asked about again, nothing more."""

    __slots__ = ("_found", "_max")

    def __init__(self, maximum: int = MAX_REFUSALS) -> None:
        self._max: Final = maximum
        self._found: Final[OrderedDict[tuple[str, str], tuple[float, int, Usage]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._found)

    def find(self, hit: Hit, now: float) -> Usage | None:
        """The refusal that still holds for `hit`, with what is left of its wait.

        A hit that costs less than the refused one may well be admitted, so it is not told by it;
        nor one that pays what it can.
        """
        name = _name(hit)
        found = self._found.get(name)
        if found is None:
            return None
        until, cost, usage = found
        if now >= until:
            del self._found[name]
            return None
        if hit.cost < cost or hit.partial:
            return None
        left = until - now
        passed = usage.retry_after - left
        return usage._replace(retry_after=left, reset_after=max(usage.reset_after - passed, left))

    def note(self, hit: Hit, usage: Usage, now: float) -> None:
        """Remember a refusal that was told at `now`."""
        if len(self._found) >= self._max:
            self._found.popitem(last=False)
        self._found[_name(hit)] = (now + usage.retry_after, hit.cost, usage)


def _name(hit: Hit) -> tuple[str, str]:
    key = hit.key
    return hit.limit.id, key if len(key) <= MAX_KEY else digest(key)
