"""Verifies a whole log: every event against its seal, every seal against the next."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final, Protocol, TypeAlias

from zenith.audit.checkpoint import Checkpoint
from zenith.audit.findings import Finding, FindingKind, Findings, Oddity
from zenith.audit.keys import AuditKeys, PublicKeys
from zenith.audit.links import Links
from zenith.audit.record import AT, EVENT_ID, MAC, SEQUENCE, Record, as_time, encoded, leaf
from zenith.audit.seal import ENTRY_BYTES, NO_ID, Head, Seal, SealKind, head_of, raw_id
from zenith.kernel.records import dataclass

MAX_BUFFERED: Final = 50_000
"""Events read and not claimed by a seal yet, whose digests are kept; of more only the places."""
MAX_LOST: Final = 100_000
CHUNK: Final = 500
Leaf: TypeAlias = tuple[int, bytes]
Progress: TypeAlias = Callable[[int], None]
"""Told how many events were verified so far."""


class Source(Protocol):
    """Where a log is read from. Memory stays flat: nothing gives all of it at once."""

    def blocks(self) -> AsyncIterator[tuple[Sequence[Leaf], Seal | None]]:
        """Events, and every seal in order, none before its own events."""
        ...

    def rest(self) -> AsyncIterator[Sequence[Leaf]]:
        """The events after the last seal."""
        ...

    def added(self, number: int) -> AsyncIterator[Seal]:
        """The seals behind this one that were added meanwhile."""
        ...

    async def oddities(self) -> Sequence[Oddity]:
        """What is there and belongs to no log; asked after `rest`."""
        ...

    async def first(self) -> Seal | None:
        """The first seal that is there now."""
        ...

    async def records_at(self, sequences: Sequence[int]) -> Sequence[Record]:
        """Rows by their places."""
        ...

    async def records_of(self, event_ids: Sequence[str]) -> Sequence[Record]:
        """Rows by the ids of their events."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationReport:
    """What was verified, and what was found."""

    stream: str
    events: int
    seals: int
    head: Head | None
    checkpoints: int
    """Checkpoints that fit the chain."""
    tombstones: int
    pruned: int
    """Events that were removed by rule, as tombstones prove."""
    awaiting: int
    """Events that are genuine and have no seal yet."""
    damages: int
    findings: Sequence[Finding]

    @property
    def holds(self) -> bool:
        """Whether nothing tells of tampering."""
        return not self.damages


@dataclass(frozen=True, slots=True)
class _Loss:
    sequence: int | None
    seal: int
    at: float
    before_seal: bool = False


class Verification:
    """One pass over a log.

    Threat: an edited, removed, added, moved or exchanged event, and a chain that was cut, forked
    or set back (ASVS 16.4.2). `keys` are the application's; without them, from an export, what a
    signed checkpoint covers can still be proven with its public key alone.
    """

    def __init__(
        self,
        source: Source,
        stream: str,
        *,
        keys: AuditKeys | None,
        public: PublicKeys,
        checkpoints: Iterable[Checkpoint | str] = (),
        begins_at: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._source: Final = source
        self._stream: Final = stream
        self._keys: Final = keys
        self._progress: Final = progress
        self._findings: Final = Findings(stream)
        self._links: Final = Links(
            self._findings,
            stream,
            checkpoints,
            keys=keys,
            public=public,
            begins_at=begins_at,
        )
        self._buffer: Final[dict[int, bytes]] = {}
        self._spilled: Final[set[int]] = set()
        self._doubtful: Final[set[int]] = set()
        """Claimed by seals that cannot be believed."""
        self._strangers: Final[set[int]] = set()
        """At the place of another event."""
        self._lost: Final[dict[bytes, _Loss]] = {}
        self._nameless: Final[list[tuple[bytes, _Loss]]] = []
        self._last: Seal | None = None
        self._saw_mac = False
        self._events = self._seals = 0

    async def run(self) -> VerificationReport:
        """Read everything once."""
        async for leaves, seal in self._source.blocks():
            self._offer(leaves)
            if seal is not None:
                await self._take(seal)
                if self._progress is not None:
                    self._progress(self._events)
        async for leaves in self._source.rest():
            self._offer(leaves)
        for kind, reason in await self._source.oddities():
            self._findings.add(kind, reason)
        # Judged first: what was pruned while it was looked for must be known to be so afterwards.
        await self._judge_unclaimed()
        pruned = await self._pruned_through()
        self._links.finish(pruned_through=pruned)
        for event_id, loss in self._losses:
            if loss.before_seal or loss.seal > pruned:
                self._report_loss(event_id, loss)
        return self._report()

    @property
    def _losses(self) -> Iterable[tuple[bytes, _Loss]]:
        return (*self._lost.items(), *self._nameless)

    async def _pruned_through(self) -> int:
        """The last seal that was removed by rule since this began; -1 if none was."""
        if self._last is None:
            return -1
        added = [seal async for seal in self._source.added(self._last.number)]
        return self._links.accounts_for(await self._source.first(), added)

    def _offer(self, leaves: Sequence[Leaf]) -> None:
        self._buffer.update(leaves)
        surplus = len(self._buffer) - MAX_BUFFERED
        if surplus > 0:
            oldest = list(islice(self._buffer, surplus))
            self._spilled.update(oldest)
            for place in oldest:
                del self._buffer[place]

    async def _take(self, seal: Seal) -> None:
        believed = self._links.take(seal)
        self._last, self._seals = seal, self._seals + 1
        if not believed:
            self._doubt(seal)
        elif seal.kind == SealKind.MISSING:
            for _, event_id, _ in seal.triples():
                self._lose(event_id, _Loss(None, seal.number, seal.at, before_seal=True))
        elif seal.is_of_rows:
            claim = self._buffer.pop
            wrong = [
                (place, event_id, digest)
                for place, event_id, digest in seal.triples()
                if claim(place, None) != digest
            ]
            self._events += len(seal.entries) // ENTRY_BYTES
            if wrong:
                await self._explain(seal, wrong)

    def _doubt(self, seal: Seal) -> None:
        if len(self._doubtful) < MAX_LOST:
            with suppress(struct.error, TypeError):
                self._doubtful.update(place for place, _, _ in seal.triples())

    async def _explain(self, seal: Seal, wrong: Sequence[tuple[int, bytes, bytes]]) -> None:
        """Why entries do not fit the rows at their places."""
        rows = {
            row[SEQUENCE]: row
            for some in _chunks([place for place, _, _ in wrong])
            for row in await self._source.records_at(some)
        }
        for place, event_id, digest in wrong:
            row = rows.get(place)
            self._spilled.discard(place)
            if row is not None and leaf(row) == digest:
                continue
            if row is not None and raw_id(_text(row[EVENT_ID])) == event_id:
                self._findings.add(
                    FindingKind.EDITED,
                    "it is not what was sealed",
                    sequence=place,
                    event_id=_text(row[EVENT_ID]),
                    seal=seal.number,
                    at=_time(row),
                )
                continue
            if row is not None:
                self._strangers.add(place)
            self._lose(event_id, _Loss(place, seal.number, seal.at))

    def _lose(self, event_id: bytes, loss: _Loss) -> None:
        if len(self._lost) + len(self._nameless) >= MAX_LOST:
            self._report_loss(event_id, loss)
        elif event_id == NO_ID:
            self._nameless.append((event_id, loss))
        else:
            self._lost[event_id] = loss

    def _report_loss(self, event_id: bytes, loss: _Loss) -> None:
        self._findings.add(
            FindingKind.DELETED,
            "it was gone before it was sealed" if loss.before_seal else "it was sealed and is gone",
            sequence=loss.sequence,
            event_id=event_id.hex(),
            seal=loss.seal,
            at=loss.at,
        )

    async def _judge_unclaimed(self) -> None:
        places = sorted({*self._buffer, *self._spilled, *self._strangers})
        for some in _chunks(places):
            rows = await self._source.records_at(some)
            ids = [row[EVENT_ID] for row in rows if isinstance(row[EVENT_ID], str)]
            copies = await self._source.records_of(ids)
            several = _several([row[EVENT_ID] for row in copies])
            for row in rows:
                self._judge(row, is_copy=row[EVENT_ID] in several)

    def _judge(self, row: Record, *, is_copy: bool) -> None:
        place, is_ours = row[SEQUENCE], self._is_ours(row)
        loss = self._lost.pop(raw_id(_text(row[EVENT_ID])), None)
        if loss is not None:
            where = "" if loss.sequence is None else f" it was sealed at {loss.sequence},"
            kind = FindingKind.REORDERED if is_ours else FindingKind.EDITED
            reason = f"{where} and stands here" if is_ours else f"{where} and is not what it was"
            self._find(kind, reason.removeprefix(",").strip().removeprefix("and "), row)
        elif not is_ours:
            self._find(FindingKind.INSERTED, "its MAC is not one of this application", row)
        elif is_copy or place in self._strangers:
            self._find(FindingKind.INSERTED, "the same event stands in the log twice", row)
        elif place in self._doubtful:
            pass
        elif row[AT] < self._links.pruned_before:
            self._find(FindingKind.INSERTED, "it was pruned, or is as old, and stands here", row)
        elif place <= self._links.through:
            self._find(FindingKind.INSERTED, "it came after what it stands among was sealed", row)
        else:
            self._find(FindingKind.AWAITING_SEAL, "it has a MAC and no seal yet", row)

    def _is_ours(self, row: Record) -> bool:
        data, mac = encoded(row), row[MAC]
        if data is None:
            return False
        if mac is None:
            is_early = self._last is None or self._last.kind == SealKind.LEGACY
            return is_early and not self._saw_mac
        self._saw_mac = True
        if not isinstance(mac, bytes):
            return False
        # Without the application's keys, only what is sealed can be told from what is not.
        return self._keys is not None and self._keys.is_marked(data, mac)

    def _find(self, kind: FindingKind, reason: str, row: Record) -> None:
        self._findings.add(
            kind,
            reason,
            sequence=row[SEQUENCE],
            event_id=_text(row[EVENT_ID]),
            at=_time(row),
        )

    def _report(self) -> VerificationReport:
        found = self._findings
        return VerificationReport(
            stream=self._stream,
            events=self._events,
            seals=self._seals,
            head=None if self._last is None else head_of(self._last),
            checkpoints=self._links.checkpoints,
            tombstones=self._links.tombstones,
            pruned=self._links.pruned,
            awaiting=found.counts[FindingKind.AWAITING_SEAL],
            damages=found.damages,
            findings=found.kept,
        )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _time(row: Record) -> float | None:
    return as_time(row[AT])


def _several(ids: Iterable[object]) -> set[object]:
    seen: set[object] = set()
    return {each for each in ids if each in seen or seen.add(each)}  # type: ignore[func-returns-value]


def _chunks(places: Sequence[int]) -> Iterable[Sequence[int]]:
    for start in range(0, len(places), CHUNK):
        yield places[start : start + CHUNK]
