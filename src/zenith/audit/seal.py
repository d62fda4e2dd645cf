"""A seal: which events there were, in which order, chained to the seal before."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from operator import itemgetter
from typing import Final, NamedTuple

from zenith.audit.keys import ID_BYTES, AuditKeys
from zenith.kernel.records import dataclass

DOMAIN: Final = b"zenith-audit-seal\x01"
START: Final = bytes(32)
"""What the first seal of a stream has for the hash of the one before."""
MAX_ENTRIES: Final = 1000
_ENTRY: Final = struct.Struct(">q16s32s")
ENTRY_BYTES: Final = _ENTRY.size
_FIXED: Final = struct.Struct(">q32s8sdqq")
_LENGTH: Final = struct.Struct(">I")
_TOMB: Final = struct.Struct(">qqqddd32s32s")
NO_ID: Final = bytes(16)


class SealKind(StrEnum):
    """What a seal says of its entries."""

    EVENTS = "events"
    """The process that wrote them seals them."""
    ADOPTED = "adopted"
    """Another process seals what its writer left unsealed: it died."""
    LEGACY = "legacy"
    """Stored before events had MACs; only at the beginning of a chain."""
    MISSING = "missing"
    """They were stored, and were gone before they could be sealed."""
    PRUNED = "pruned"
    """Seals and their events that were removed by rule: see `Tombstone`."""


class Entry(NamedTuple):
    """One event in a seal."""

    sequence: int
    """Its place in the log; 0 in seals of what is missing."""
    event_id: bytes
    """Zeros where the event has none."""
    digest: bytes
    """`leaf` of its row; of a missing event, the HMAC from its MAC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """What a seal of kind PRUNED proves of what was removed."""

    through: int
    """The last seal that is gone; all before it are, too."""
    seals: int
    """Removed with this one."""
    events: int
    """Removed with this one."""
    first_at: float
    last_at: float
    """When the first and the last of these seals were made."""
    before: float
    """Everything sealed before this time was to go."""
    last_hash: bytes
    """The hash of seal `through`, which the first seal that is left names."""
    digest: bytes
    """SHA-256 over the hashes of the removed seals, in order: an archive can be held against it."""

    def packed(self) -> bytes:
        """As bytes."""
        return _TOMB.pack(
            self.through,
            self.seals,
            self.events,
            self.first_at,
            self.last_at,
            self.before,
            self.last_hash,
            self.digest,
        )

    @classmethod
    def unpack(cls, data: bytes) -> Tombstone:
        """From `packed`. Raises ValueError."""
        try:
            found = _TOMB.unpack(data)
        except struct.error as error:
            raise ValueError(f"no tombstone: {error}") from None
        through, seals, events, first_at, last_at, before, last_hash, digest = found
        return cls(
            through=through,
            seals=seals,
            events=events,
            first_at=first_at,
            last_at=last_at,
            before=before,
            last_hash=last_hash,
            digest=digest,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """One link of a stream's chain."""

    stream: str
    number: int
    kind: SealKind | str
    previous: bytes
    """The hash of the seal before."""
    key_id: str
    at: float
    writer: str
    """The process that made it."""
    total: int
    """Events sealed so far, this seal included."""
    through: int
    """No event up to this sequence awaits a seal any more."""
    entries: bytes
    hash: bytes = b""
    mac: bytes = b""

    def digest(self) -> bytes:
        """SHA-256 over everything but hash and MAC. Raises ValueError for what cannot be one."""
        try:
            key_id = bytes.fromhex(self.key_id)
            if (len(self.previous), len(key_id)) != (len(START), ID_BYTES):
                raise ValueError("no seal: a hash or a key id of another length")
            if key_id.hex() != self.key_id:
                raise ValueError("no seal: a key id in other letters")
            fixed = _FIXED.pack(
                self.number, self.previous, key_id, self.at, self.total, self.through
            )
            texts = b"".join(map(_prefixed, (self.stream, str(self.kind), self.writer)))
            return hashlib.sha256(DOMAIN + texts + fixed + self.entries).digest()
        except (struct.error, TypeError, AttributeError) as error:
            raise ValueError(f"no seal: {error}") from None

    def is_whole(self) -> bool:
        """Whether the hash is that of the rest, and the entries are what the kind says."""
        try:
            return self.digest() == self.hash and self._is_shaped()
        except ValueError:
            return False

    def unpacked(self) -> list[Entry]:
        """The entries. Raises ValueError if they are cut off."""
        if len(self.entries) % ENTRY_BYTES:
            raise ValueError("entries of a seal are cut off")
        return list(map(Entry._make, _ENTRY.iter_unpack(self.entries)))

    def triples(self) -> Iterator[tuple[int, bytes, bytes]]:
        """`unpacked`, plain and faster."""
        return _ENTRY.iter_unpack(self.entries)

    def _is_shaped(self) -> bool:
        if self.kind == SealKind.PRUNED:
            return len(self.entries) == _TOMB.size
        return self.kind not in _OF_ENTRIES or not len(self.entries) % ENTRY_BYTES

    @property
    def is_of_rows(self) -> bool:
        """Whether its entries are rows that must be there."""
        return self.kind in _OF_ROWS

    def tombstone(self) -> Tombstone | None:
        """What was pruned. Raises ValueError if that cannot be read."""
        return Tombstone.unpack(self.entries) if self.kind == SealKind.PRUNED else None


_OF_ROWS: Final = (SealKind.EVENTS, SealKind.ADOPTED, SealKind.LEGACY)
_OF_ENTRIES: Final = (*_OF_ROWS, SealKind.MISSING)


class Head(NamedTuple):
    """Where a chain ends."""

    number: int
    hash: bytes
    total: int


_place: Final = itemgetter(0)
EMPTY: Final = Head(-1, START, 0)
"""The end of a chain that has no seal yet."""


def make_seal(
    keys: AuditKeys,
    head: Head,
    entries: Sequence[Entry] | Tombstone,
    *,
    stream: str,
    kind: SealKind,
    at: float,
    writer: str,
    through: int,
) -> Seal:
    """The seal that follows `head`."""
    if isinstance(entries, Tombstone):
        packed, count = entries.packed(), 0
    else:
        packed, count = pack(entries), len(entries) if kind in _OF_ROWS else 0
    seal = Seal(
        stream=stream,
        number=head.number + 1,
        kind=kind,
        previous=head.hash,
        key_id=keys.key_id,
        at=at,
        writer=writer,
        total=head.total + count,
        through=through,
        entries=packed,
    )
    digest = seal.digest()
    return replace(seal, hash=digest, mac=keys.mark_seal(digest))


def head_of(seal: Seal) -> Head:
    """The end of a chain whose last seal this is."""
    return Head(seal.number, seal.hash, seal.total)


def highest_of(seal: Seal) -> int:
    """The last row that a seal is of; 0 if it is of none, or not what was sealed."""
    if not seal.is_of_rows or not seal.is_whole():
        return 0
    return max(map(_place, seal.triples()), default=0)


def pack(entries: Iterable[Entry]) -> bytes:
    """Entries as bytes."""
    return b"".join([_ENTRY.pack(*entry) for entry in entries])


def raw_id(event_id: str | None) -> bytes:
    """An event's id as an entry holds it; zeros for what is none."""
    try:
        raw = bytes.fromhex(event_id or "")
    except ValueError:
        return NO_ID
    return raw if len(raw) == len(NO_ID) else NO_ID


def _prefixed(text: str) -> bytes:
    data = text.encode()
    return _LENGTH.pack(len(data)) + data
