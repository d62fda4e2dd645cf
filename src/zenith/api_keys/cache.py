"""Keys as this process knows them: at most one second behind the store.

The threat is a cache that keeps a key alive. So an entry is believed for a second, revocations
pierce it at once, and only keys that held get in, so that nobody can push out others with rubbish.
Keys are kept whole, as tokens are: see `zenith.tokens.cache`.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from zenith.api_keys.key import APIKey
from zenith.authentication import Revocation, RevocationList, Subject
from zenith.kernel.principal import ANONYMOUS, Principal

MAX_AGE: Final = 1.0
"""Seconds for which a record is believed before the store is asked again."""


class LiveKey:
    """A key's record, when it was read, and what the scheme made of it."""

    __slots__ = ("noted", "principal", "read_at", "record", "shown", "subject")

    def __init__(self, record: APIKey, read_at: float) -> None:
        self.record: Final = record
        self.read_at: Final = read_at
        self.noted = False
        """Whether this use of the key is being written down."""
        self.subject: Subject | None = None
        """The owner's state for which `principal` was made."""
        self.principal: Principal = ANONYMOUS
        self.shown: APIKey = record
        """The record with those of its scopes that hold."""


class KeyCache:
    """A bounded map from a key, as it is sent, to what is known of it."""

    def __init__(self, revocations: RevocationList, *, entries: int) -> None:
        self._entries: Final = entries
        self._live: Final[OrderedDict[bytes, LiveKey]] = OrderedDict()
        self._raw: Final[dict[str, bytes]] = {}
        self.generation = 0
        """Grows with each revocation: what was read before it may not be kept after it."""
        revocations.subscribe(self._on_revocation)

    def get(self, raw: bytes, *, steady: float) -> LiveKey | None:
        """The key as it was at most `MAX_AGE` seconds ago."""
        live = self._live.get(raw)
        return None if live is None or steady - live.read_at >= MAX_AGE else live

    def put(self, raw: bytes, live: LiveKey, *, generation: int) -> None:
        """Keep a key that held, unless something was revoked since `generation`."""
        if generation != self.generation:
            return
        self._live[raw] = live
        self._live.move_to_end(raw)
        self._raw[live.record.id] = raw
        if len(self._live) > self._entries:
            self.drop(next(iter(self._live)))

    def drop(self, raw: bytes) -> None:
        """Forget a key."""
        live = self._live.pop(raw, None)
        if live is not None:
            self._raw.pop(live.record.id, None)

    def __len__(self) -> int:
        return len(self._live)

    def _on_revocation(self, revocation: Revocation) -> None:
        self.generation += 1
        if revocation.kind == "token":
            raw = self._raw.get(revocation.key)
            if raw is not None:
                self.drop(raw)
