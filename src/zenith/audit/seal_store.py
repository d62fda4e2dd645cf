"""What sealing and verifying need from a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from zenith.audit.record import Record
from zenith.audit.seal import Seal

LAST: Final = 2**63 - 1
"""No row has a higher sequence."""


class SealStore(Protocol):
    """Chains of seals, and the rows that they are about. Records come by sequence, ascending."""

    async def head(self, stream: str) -> Seal | None:
        """The last seal of a stream."""
        ...

    async def seals(self, stream: str, *, after: int, limit: int) -> Sequence[Seal]:
        """Seals with numbers above `after`, by number."""
        ...

    async def append(self, seal: Seal) -> bool:
        """Add a seal, if its number is still free: one step, whoever else tries."""
        ...

    async def index(self, *, limit: int) -> int:
        """Put up to so many rows that were added since, by whomever and of any stream, into the
        indexes by which the log is searched; how many. Searches find them before, too.
        """
        ...

    async def prune(
        self, seal: Seal, *, through: int, count: int, sequences: Sequence[int]
    ) -> bool:
        """In one step: `append`, and remove the seals up to `through`, which are `count`, and these
        events; nothing if another process was faster with either.
        """
        ...

    async def last_tombstone(self, stream: str) -> Seal | None:
        """The newest seal of what was pruned."""
        ...

    async def records(self, stream: str, *, after: int, limit: int) -> Sequence[Record]:
        """Rows with sequences above `after`."""
        ...

    async def leaves(
        self, stream: str, *, after: int, limit: int, through: int = LAST
    ) -> Sequence[tuple[int, bytes]]:
        """Sequence and `leaf` of these rows, up to the sequence `through`."""
        ...

    async def bound(self, stream: str, *, after: int, count: int) -> int | None:
        """The sequence of the row number `count` behind `after`; None if there are fewer."""
        ...

    async def records_at(self, stream: str, sequences: Sequence[int]) -> Sequence[Record]:
        """Rows by their sequences."""
        ...

    async def records_of(self, stream: str, event_ids: Sequence[str]) -> Sequence[Record]:
        """Rows by the ids of their events; a tampered log may hold more than one of an id."""
        ...

    async def astray(self, stream: str, *, before: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Sequence and `leaf` of rows below the sequence `before`, the last first."""
        ...

    async def stray_seals(self, stream: str) -> Sequence[object]:
        """Numbers of seals that no chain has: a thousand of them at most."""
        ...

    async def places(
        self, stream: str, *, after: int, limit: int
    ) -> Sequence[tuple[int, str | None]]:
        """Sequence and event id of the rows above `after`."""
        ...

    async def newest(self, stream: str) -> int:
        """The highest sequence; 0 where there is no row."""
        ...
