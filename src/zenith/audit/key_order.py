"""Whether seals are genuine, by their keys and the order of these."""

from __future__ import annotations

from typing import Final

from zenith.audit.keys import AuditKeys
from zenith.audit.seal import Seal

CHANGE: Final = 86_400.0
"""Seconds within which all servers are given a new secret, from the first to the last."""


class KeyOrder:
    """Judges seals one by one, in their order.

    Threat: whoever may write to the database appends a seal under a key of his own; the next
    genuine one follows it, and the chain of hashes covers it like those whose key is gone. Of seals
    whose key is not known only those are believed that stand before all others, and those of the
    same keys that servers with the former secret made within a day of the first known one.
    """

    def __init__(self, keys: AuditKeys | None) -> None:
        self._keys: Final = keys
        self._former: Final[set[str]] = set()
        self._first: float | None = None
        """When the first seal under a known key was made, and the last."""
        self._last = 0.0

    def knows(self, seal: Seal) -> bool:
        """Whether the seal's MAC can be verified; asked for one that has no fault."""
        return self._keys is not None and self._keys.knows(seal.key_id)

    @property
    def is_changing(self) -> bool:
        """Whether the last seal may be of a time when servers still had a former secret."""
        if self._first is None:
            return bool(self._former)
        return bool(self._former) and self._last - self._first <= CHANGE

    def fault(self, seal: Seal) -> str | None:
        """Why the next seal cannot be believed."""
        if not seal.is_whole():
            return "its content is not what was sealed"
        if self._keys is None:
            return None
        if not self._keys.knows(seal.key_id):
            return self._fault_of_stranger(seal)
        if not self._keys.is_seal_marked(seal.key_id, seal.hash, seal.mac):
            return "its MAC is wrong: it was not made by this application"
        self._last = seal.at
        if self._first is None:
            self._first = seal.at
        return None

    def _fault_of_stranger(self, seal: Seal) -> str | None:
        if self._first is None:
            self._former.add(seal.key_id)
            return None
        if seal.key_id in self._former and self.is_changing:
            return None
        return f"its key, {seal.key_id}, is not known here: of a former secret, or of nobody"
