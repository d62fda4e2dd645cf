"""Verifies how seals hang together, and against their checkpoints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from zenith.audit.checkpoint import Checkpoint
from zenith.audit.findings import FindingKind, Findings
from zenith.audit.key_order import KeyOrder
from zenith.audit.keys import AuditKeys, PublicKeys
from zenith.audit.record import as_time
from zenith.audit.seal import START, Seal, Tombstone


class Links:
    """Takes the seals of one stream in order; `finish` says what only the end can tell.

    With keys each seal's MAC is verified. One whose key is gone (see `KeyOrder`) counts once a
    later seal under a known key, or a signed checkpoint, covers it through the chain of hashes.
    Without keys checkpoints are the only proof. A checkpoint under a key that is gone proves
    nothing, and must not contradict the chain. The chain begins with its first seal, or where a
    tombstone says, or at `begins_at`, which somebody has signed.
    """

    def __init__(
        self,
        findings: Findings,
        stream: str,
        checkpoints: Iterable[Checkpoint | str],
        *,
        keys: AuditKeys | None,
        public: PublicKeys,
        begins_at: int | None,
    ) -> None:
        self._findings: Final = findings
        self._stream: Final = stream
        self._keys: Final = keys
        self._order: Final = KeyOrder(keys)
        self._public: Final = public
        self._begins_at: Final = begins_at
        self._unproven: Final[dict[int, list[Checkpoint]]] = {}
        """Signed under keys that are gone."""
        self._checkpoints: Final = self._read(checkpoints)
        self.checkpoints = 0
        """How many fit."""
        self.tombstones = 0
        self.pruned = 0
        """Events that tombstones tell of."""
        self.through = 0
        self.pruned_before = 0.0
        """What is older was removed: it cannot come again."""
        self._last: Seal | None = None
        self._first: Seal | None = None
        self._stones: Final[dict[tuple[int, bytes], Tombstone]] = {}
        self._gaps: Final[list[tuple[int, Seal]]] = []
        self._uncovered: Seal | None = None
        """The first seal that nothing with a known key has covered yet."""

    def take(self, seal: Seal) -> bool:
        """Verify one seal; whether it can be believed."""
        believed = self._is_genuine(seal)
        if self._first is None:
            self._first = seal
        elif self._last is not None:
            self._link(self._last, seal)
        for hash_ in self._checkpoints.pop(seal.number, ()):
            if hash_ == seal.hash:
                self.checkpoints += 1
                self._uncovered = None
            else:
                reason = "another seal stood here when the checkpoint was signed"
                self._findings.add(FindingKind.FORKED, reason, seal=seal.number, at=_time(seal))
        for each in self._unproven.pop(seal.number, ()):
            if each.hash != seal.hash or not self._order.is_changing:
                self._refuse(each)
        if believed:
            self.through = max(self.through, seal.through)
            self._bury(seal)
        self._last = seal
        return believed

    def accounts_for(self, first: Seal | None, added: Iterable[Seal]) -> int:
        """Up to which seal everything was pruned by rule while it was being verified; -1 if nothing
        was. `first` is the first seal that is there now, `added` are those that came since.

        A tombstone is believed that a key of ours has marked, and that names this very seal as the
        next: what it tells of was verified by whoever removed it.
        """
        for seal in added:
            if self._keys is None or not seal.is_whole():
                continue
            if self._keys.is_seal_marked(seal.key_id, seal.hash, seal.mac):
                stone = seal.tombstone()
                if stone is not None:
                    self._stones[stone.through, stone.last_hash] = stone
        place = None if first is None else (first.number - 1, first.previous)
        return -1 if place is None or place not in self._stones else place[0]

    def finish(self, *, pruned_through: int = -1) -> None:
        """Say what is missing in between, but for what was pruned meanwhile, and at either end."""
        for last, seal in self._gaps:
            if seal.number - 1 > pruned_through:
                self._findings.add(
                    FindingKind.DELETED,
                    f"{seal.number - last - 1} seals before this one are gone",
                    seal=last + 1,
                    at=_time(seal),
                )
        if self._first is not None:
            self._judge_beginning(self._first)
        if self._uncovered is not None:
            reason = f"its key, {self._uncovered.key_id}, is not known here, nor any that follows"
            self._findings.add(FindingKind.BAD_SEAL, reason, seal=self._uncovered.number)
        first = self._first.number if self._first is not None else 0
        after = {number for number in self._checkpoints if number >= first}
        if after and (self._last is None or max(after) > self._last.number):
            reason = "the chain was longer: there is a checkpoint of this seal"
            self._findings.add(FindingKind.TRUNCATED, reason, seal=max(after))
        for number, points in self._unproven.items():
            if self._last is None or number > self._last.number:
                for each in points:
                    self._refuse(each)

    def _read(self, checkpoints: Iterable[Checkpoint | str]) -> dict[int, set[bytes]]:
        found: dict[int, set[bytes]] = {}
        for each in checkpoints:
            if isinstance(each, str):
                self._findings.add(FindingKind.BAD_CHECKPOINT, each)
            elif each.stream == self._stream:
                is_signed = each.is_signed(self._public)
                if is_signed:
                    found.setdefault(each.number, set()).add(each.hash)
                elif is_signed is None:
                    self._unproven.setdefault(each.number, []).append(each)
                else:
                    self._refuse(each)
        return found

    def _refuse(self, checkpoint: Checkpoint) -> None:
        is_known = checkpoint.key_id in self._public.by_id
        self._findings.add(
            FindingKind.BAD_CHECKPOINT,
            "its signature is wrong"
            if is_known
            else f"its key, {checkpoint.key_id}, is not known here, and not of a former secret",
            seal=checkpoint.number,
            at=checkpoint.at,
        )

    def _is_genuine(self, seal: Seal) -> bool:
        fault = self._order.fault(seal)
        if fault is not None:
            self._findings.add(FindingKind.BAD_SEAL, fault, seal=seal.number, at=_time(seal))
            return False
        self._uncovered = None if self._order.knows(seal) else self._uncovered or seal
        return True

    def _link(self, last: Seal, seal: Seal) -> None:
        if seal.number > last.number + 1:
            self._gaps.append((last.number, seal))
        elif seal.number <= last.number:
            self._findings.add(
                FindingKind.FORKED, "there are two seals of this number", seal=seal.number
            )
        elif seal.previous != last.hash:
            self._findings.add(
                FindingKind.FORKED,
                "it does not follow the seal before it, but another one",
                seal=seal.number,
                at=_time(seal),
            )

    def _bury(self, seal: Seal) -> None:
        stone = seal.tombstone()
        if stone is None:
            return
        self.tombstones += 1
        self.pruned += stone.events
        self.pruned_before = max(self.pruned_before, stone.before)
        self._stones[stone.through, stone.last_hash] = stone

    def _judge_beginning(self, first: Seal) -> None:
        if self._begins_at is not None:
            is_right = first.number == self._begins_at
        elif first.number == 0:
            is_right = first.previous == START
        else:
            is_right = (first.number - 1, first.previous) in self._stones
        if not is_right:
            self._findings.add(
                FindingKind.TRUNCATED,
                "the chain begins here, and no tombstone accounts for what was before",
                seal=first.number,
                at=_time(first),
            )


def _time(seal: Seal) -> float | None:
    return as_time(seal.at)
