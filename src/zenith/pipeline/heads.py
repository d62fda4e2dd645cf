"""What requests with the same headers have in common, found out once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from zenith.kernel.problem import RawHeaders

MAX_REMEMBERED: Final = 512
"""Heads in each of two generations; what was not met again during one of them is forgotten."""
MAX_SIZE: Final = 4096
"""Bytes of a head that is worth remembering."""
MAX_FIELDS: Final = 64
MAX_ONCE: Final = 4096
"""Heads that were met once, of which the hash alone is kept."""
Key: TypeAlias = tuple[tuple[bytes, bytes], ...]


class Head:
    """Headers that one or more requests carry. Shared, so nobody changes them."""

    __slots__ = ("cookies", "facts", "headers")

    def __init__(self, raw: RawHeaders) -> None:
        self.headers: Final[Mapping[bytes, bytes]] = dict(raw)
        """Names in lower case. Of a repeated header the last counts."""
        self.cookies: Mapping[str, str] | None = None
        """Once somebody has asked for them."""
        self.facts: Final[dict[Any, Any]] = {}
        """What a guard concluded from the headers alone, and would conclude again; the guard is
        the key. Whatever time, peers, sessions or revocations decide does not belong here."""


class Heads:
    """The heads that were met lately.

    A client sends the same headers again and again; to test and to parse them anew each time is
    what most of a firewall's time goes into. A head is remembered when it comes a second time: what
    never comes again, such as one with a token for a single call, would only push out the rest. The
    memory is bounded (4 KiB a head, 1,024 heads), so a flood of different heads costs others the
    shortcut and nobody the answer.
    """

    __slots__ = ("_old", "_once", "_young")

    def __init__(self) -> None:
        self._young: dict[Key, Head] = {}
        self._old: dict[Key, Head] = {}
        self._once: Final[set[int]] = set()

    def of(self, raw: RawHeaders) -> Head:
        """The head that was met before, or a new one."""
        key = tuple(raw)
        try:
            head = self._young.get(key)
        except TypeError:
            # Servers may send pairs as lists.
            return Head(raw)
        return self._meet(key, raw) if head is None else head

    def _meet(self, key: Key, raw: RawHeaders) -> Head:
        head = self._old.get(key)
        if head is None:
            head = Head(raw)
            if self._is_first(hash(key)):
                return head
        headers = head.headers
        size = len(b"".join(headers)) + len(b"".join(headers.values()))
        if len(key) > MAX_FIELDS or size > MAX_SIZE:
            return head
        if len(self._young) >= MAX_REMEMBERED:
            self._old, self._young = self._young, {}
        self._young[key] = head
        return head

    def _is_first(self, mark: int) -> bool:
        # Two heads of one hash are rare, and remembered a meeting too early.
        once = self._once
        if mark in once:
            once.discard(mark)
            return False
        if len(once) >= MAX_ONCE:
            once.clear()
        once.add(mark)
        return True
