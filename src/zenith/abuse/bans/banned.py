"""Who is banned, as a process keeps it: found in less than a microsecond, freed when it ends."""

from __future__ import annotations

import socket
from heapq import heapify, heappop, heappush
from typing import Final, TypeAlias

from zenith.abuse.bans.ban import SITE_BITS, V4_BITS, BanTarget
from zenith.kernel.network import parse_address

Place: TypeAlias = tuple[int, int, int | str]
"""Family, how far an address is shifted right, and what is left of it; or 0, which kind of
subject, and its id."""
Tables: TypeAlias = dict[int, dict[int, float]]
ENDLESS: Final = float("inf")
SLACK: Final = 64
MAX_RECENT: Final = 4096
SUBJECTS: Final = {"account": 0, "api_key": 1}
_MAPPED: Final = bytes(10) + b"\xff\xff"


class BannedSet:
    """Numbers in dictionaries, one for each length of prefix that occurs: an address costs as many
    look-ups as there are lengths, however many bans there are, and networks may overlap. About
    250 bytes a ban. Never waits; not for several threads.
    """

    __slots__ = (
        "_four",
        "_heap",
        "_recent",
        "_six",
        "_size",
        "_subjects",
        "has_addresses",
        "has_subjects",
    )

    def __init__(self) -> None:
        self._four: Tables = {}
        self._six: Tables = {}
        self._subjects: dict[tuple[int, str], float] = {}
        self._heap: list[tuple[float, Place]] = []
        self._size = 0
        # Clients come again and again, and what is said of them seldom changes.
        self._recent: dict[str, float | None] = {}
        self.has_addresses = False
        """Whether any address or network is banned; else nobody need ask."""
        self.has_subjects = False
        """Whether any account or key is."""

    def __len__(self) -> int:
        return self._size

    def put(self, target: BanTarget, until: float) -> None:
        """Ban until a Unix time, in place of what was said of `target` before."""
        place = _place_of(target)
        if self._until(place) is None:
            self._size += 1
        family, shift, key = place
        if isinstance(key, str):
            self._subjects[shift, key] = until
            self.has_subjects = True
        else:
            tables = self._four if family == socket.AF_INET else self._six
            tables.setdefault(shift, {})[key] = until
            self._recent.clear()
            self.has_addresses = True
        if until == ENDLESS:
            return
        heappush(self._heap, (until, place))
        if len(self._heap) > 2 * self._size + SLACK:
            # Bans that were renewed or lifted: each has one true end.
            self._heap = [each for each in set(self._heap) if self._until(each[1]) == each[0]]
            heapify(self._heap)

    def remove(self, target: BanTarget) -> None:
        """Ban no more."""
        self._remove(_place_of(target))

    def expire(self, now: float) -> None:
        """Free what has ended."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            until, place = heappop(heap)
            if self._until(place) == until:
                self._remove(place)

    def of_address(self, text: str) -> float | None:
        """Until when a client's address is banned; None if it is not, or is no address."""
        recent = self._recent
        if text in recent:
            return recent[text]
        if len(recent) >= MAX_RECENT:
            recent.clear()
        found = recent[text] = self._look_up(text)
        return found

    def _look_up(self, text: str) -> float | None:
        try:
            if ":" not in text:
                return _find(self._four, int.from_bytes(socket.inet_pton(socket.AF_INET, text)))
            packed = socket.inet_pton(socket.AF_INET6, text)
        except (OSError, ValueError):
            address = parse_address(text)
            return None if address is None else self._look_up(str(address))
        if packed.startswith(_MAPPED):
            return _find(self._four, int.from_bytes(packed[12:]))
        return _find(self._six, int.from_bytes(packed[:8]))

    def of_subject(self, kind: str, key: str) -> float | None:
        """Until when an account or API key is banned; None if it is not."""
        return self._subjects.get((SUBJECTS[kind], key))

    def _until(self, place: Place) -> float | None:
        family, shift, key = place
        if isinstance(key, str):
            return self._subjects.get((shift, key))
        tables = self._four if family == socket.AF_INET else self._six
        return tables.get(shift, {}).get(key)

    def _remove(self, place: Place) -> None:
        if self._until(place) is None:
            return
        self._size -= 1
        family, shift, key = place
        if isinstance(key, str):
            del self._subjects[shift, key]
            self.has_subjects = bool(self._subjects)
            return
        tables = self._four if family == socket.AF_INET else self._six
        del tables[shift][key]
        self._recent.clear()
        if not tables[shift]:
            del tables[shift]
        self.has_addresses = bool(self._four or self._six)


def _find(tables: Tables, number: int) -> float | None:
    found: float | None = None
    for shift, table in tables.items():
        until = table.get(number >> shift)
        if until is not None and (found is None or until > found):
            found = until
    return found


def _place_of(target: BanTarget) -> Place:
    network = target.network
    if network is None:
        return 0, SUBJECTS[target.kind], target.key
    number, length = int(network.network_address), network.prefixlen
    if network.version == 4:  # noqa: PLR2004
        shift = V4_BITS - length
        return socket.AF_INET, shift, number >> shift
    shift = SITE_BITS - length
    return socket.AF_INET6, shift, number >> SITE_BITS >> shift
