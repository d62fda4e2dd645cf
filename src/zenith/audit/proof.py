"""A log as a file that proves itself: events, seals and a signature, a line each."""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, cast

from zenith.audit.checkpoint import Checkpoint, read_checkpoint, sign_checkpoint
from zenith.audit.errors import BrokenLogError
from zenith.audit.findings import FindingKind, Oddity
from zenith.audit.key_order import KeyOrder
from zenith.audit.keys import AuditKeys, PublicKeys
from zenith.audit.record import EVENT_ID, SEQUENCE, TEXTS, Record, encoded, leaf
from zenith.audit.seal import Seal, head_of
from zenith.audit.seal_store import SealStore
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass

DOMAIN: Final = b"zenith-audit-export\x01"
FORMAT: Final = 1
SEALS: Final = 16
REMEMBERED: Final = 20_000
"""Events that can be looked at again without reading the file anew."""
MAX_LINE: Final = 4_000_000
MAX_ODD: Final = 1_000
"""Lines that are told of."""
_FIRST: Final = struct.Struct(">q")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofHead:
    """The first line of an export: what it covers, and the signature over it."""

    first: int
    """Number of the first seal in it."""
    checkpoint: Checkpoint
    """Of the last seal in it."""
    signature: bytes

    def is_signed(self, keys: PublicKeys) -> bool:
        """Whether both signatures are by one of these keys."""
        message = _message(self.first, self.checkpoint)
        signed = keys.verify(self.checkpoint.key_id, message, self.signature)
        return bool(signed and self.checkpoint.is_signed(keys))

    def line(self) -> str:
        """One line of JSON."""
        document = {
            "zenith_audit_export": FORMAT,
            "first": self.first,
            "checkpoint": json.loads(self.checkpoint.line()),
            "signature": base64.b64encode(self.signature).decode("ascii"),
        }
        return _line(document)


def read_head(line: str) -> ProofHead:
    """From `ProofHead.line`. Raises ConfigurationError for what is no export."""
    try:
        document = cast("dict[str, Any]", json.loads(line))
        head = ProofHead(
            first=document["first"],
            checkpoint=read_checkpoint(json.dumps(document["checkpoint"])),
            signature=base64.b64decode(document["signature"], validate=True),
        )
    except (KeyError, TypeError, ValueError, RecursionError, binascii.Error):
        head = None
    if head is None or type(head.first) is not int or head.line() != line:
        raise ConfigurationError(
            "the file is no export of the audit log",
            fix="make one with `zenith audit export --proof FILE`",
        )
    return head


async def proof_lines(
    store: SealStore, keys: AuditKeys, stream: str, *, since: float, until: float, at: float
) -> AsyncIterator[tuple[str, int]]:
    """The lines of an export of the seals made from `since` to before `until`, each with how many
    events there are up to it; nothing if there is no such seal.

    Threat: a forged chain that gets its signature here, and is proven by it to whoever has the
    public key. Raises BrokenLogError, before the first line, at a seal that is not genuine.
    """
    first = last = before = None
    order = KeyOrder(keys)
    async for seal in _seals(store, stream, -1):
        is_next = before is None or (seal.number - 1, seal.previous) == (before.number, before.hash)
        if not is_next or order.fault(seal) is not None:
            raise BrokenLogError(stream, seal.number)
        before = seal
        if since <= seal.at < until:
            first, last = first or seal, seal
    if first is None or last is None:
        return
    checkpoint = sign_checkpoint(keys, stream, head_of(last), at)
    signature = keys.sign(_message(first.number, checkpoint))
    yield (
        ProofHead(first=first.number, checkpoint=checkpoint, signature=signature).line(),
        0,
    )
    count = 0
    async for seal in _seals(store, stream, first.number - 1):
        if seal.number > last.number:
            break
        if seal.is_of_rows:
            for row in await store.records_at(stream, [place for place, _, _ in seal.triples()]):
                # What the log never writes is left out, and missed by whoever verifies.
                if encoded(row) is not None:
                    count += 1
                    yield _event_line(row), count
        yield _seal_line(seal), count


class ProofFile:
    """The Source that an export is."""

    def __init__(self, path: Path) -> None:
        self._path: Final = path
        self._rest: list[tuple[int, bytes]] = []
        self._odd: Final[list[Oddity]] = []
        self._recent: Final[OrderedDict[int, Record]] = OrderedDict()
        with path.open("r", encoding="utf-8", errors="replace") as file:
            self.head: Final = read_head(file.readline(MAX_LINE))

    async def blocks(self) -> AsyncIterator[tuple[Sequence[tuple[int, bytes]], Seal | None]]:
        """What the lines hold, in their order. One that is not as it was written is as if it were
        not there: what it held is missed.
        """
        leaves: list[tuple[int, bytes]] = []
        block: list[int] = []
        for found in self._lines(self._odd):
            if isinstance(found, Seal):
                self._look_into(block, found)
                yield leaves, found
                leaves, block = [], []
            else:
                block.append(found[SEQUENCE])
                leaves.append((found[SEQUENCE], leaf(found)))
                self._recent[found[SEQUENCE]] = found
                if len(self._recent) > REMEMBERED:
                    self._recent.popitem(last=False)
            if len(leaves) >= REMEMBERED:
                yield leaves, None
                leaves = []
        self._rest = leaves

    async def rest(self) -> AsyncIterator[Sequence[tuple[int, bytes]]]:
        """The events after the last seal: an export has none."""
        yield self._rest

    async def oddities(self) -> Sequence[Oddity]:
        """Lines that no export has."""
        return self._odd

    async def added(self, number: int) -> AsyncIterator[Seal]:
        """Nothing: an export stays as it is."""
        nothing: Sequence[Seal] = ()
        for seal in nothing[number:]:
            yield seal

    async def first(self) -> Seal | None:
        """None: nothing is pruned from an export."""
        return None

    async def records_at(self, sequences: Sequence[int]) -> Sequence[Record]:
        """Rows by their places."""
        found = [self._recent[each] for each in sequences if each in self._recent]
        if len(found) == len(sequences):
            return found
        wanted = set(sequences)
        return [row for row in self._records() if row[SEQUENCE] in wanted]

    async def records_of(self, event_ids: Sequence[str]) -> Sequence[Record]:
        """Rows by the ids of their events."""
        wanted = set(event_ids)
        return [row for row in self._records() if row[EVENT_ID] in wanted] if wanted else []

    def _look_into(self, block: Sequence[int], seal: Seal) -> None:
        """An export has each event once, before its own seal, by place."""
        is_of_rows = seal.is_of_rows and seal.is_whole()
        own = {place for place, _, _ in seal.triples()} if is_of_rows else set[int]()
        if not own.issuperset(block) or any(b <= a for a, b in pairwise(block)):
            reason = f"events before seal {seal.number} are not its own, or in another order"
            _note(self._odd, FindingKind.REORDERED, reason)

    def _records(self) -> Iterator[Record]:
        return (found for found in self._lines([]) if not isinstance(found, Seal))

    def _lines(self, odd: list[Oddity]) -> Iterator[Record | Seal]:
        with self._path.open("r", encoding="utf-8", errors="replace") as file:
            file.readline(MAX_LINE)
            number = 1
            while line := file.readline(MAX_LINE):
                number += 1
                found = _read(line)
                if found is None:
                    reason = f"line {number} of the file is not as an export is written"
                    _note(odd, FindingKind.INSERTED, reason)
                else:
                    yield found


async def _seals(store: SealStore, stream: str, after: int) -> AsyncIterator[Seal]:
    while found := await store.seals(stream, after=after, limit=SEALS):
        for seal in found:
            yield seal
        if found[-1].number <= after:
            return
        after = found[-1].number


def _event_line(row: Record) -> str:
    sequence, at, mac, *texts = row
    marked = mac.hex() if isinstance(mac, bytes) else None
    return _line({"event": [sequence, at, marked, *texts]})


def _seal_line(seal: Seal) -> str:
    document = {
        "seal": seal.number,
        "stream": seal.stream,
        "kind": str(seal.kind),
        "previous": seal.previous.hex(),
        "key_id": seal.key_id,
        "at": seal.at,
        "writer": seal.writer,
        "total": seal.total,
        "through": seal.through,
        "entries": base64.b64encode(seal.entries).decode("ascii"),
        "hash": seal.hash.hex(),
    }
    return _line(document)


def _note(odd: list[Oddity], kind: FindingKind, reason: str) -> None:
    if len(odd) < MAX_ODD:
        odd.append((kind, reason))


def _read(line: str) -> Record | Seal | None:
    """What a line says; None unless it is, to the letter, as an export is written: another reader
    must not find something else in it.
    """
    try:
        document: Any = json.loads(line)
        found = _seal(document) if "seal" in document else _record(document)
        written = _seal_line(found) if isinstance(found, Seal) else _event_line(found)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return None
    return found if written == line else None


def _record(document: Any) -> Record:
    sequence, at, mac, *texts = document["event"]
    if type(sequence) is not int or len(texts) != len(TEXTS):
        raise ValueError("no event")
    return (sequence, at, None if mac is None else bytes.fromhex(mac), *texts)


def _seal(document: Any) -> Seal:
    if not all(type(document[name]) is int for name in ("seal", "total", "through")):
        raise ValueError("no seal")
    return Seal(
        stream=document["stream"],
        number=document["seal"],
        kind=document["kind"],
        previous=bytes.fromhex(document["previous"]),
        key_id=document["key_id"],
        at=document["at"],
        writer=document["writer"],
        total=document["total"],
        through=document["through"],
        entries=base64.b64decode(document["entries"], validate=True),
        hash=bytes.fromhex(document["hash"]),
    )


def _line(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":")) + "\n"


def _message(first: int, checkpoint: Checkpoint) -> bytes:
    return DOMAIN + _FIRST.pack(first) + checkpoint.message()
