"""Reads a log with several readers at once, in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol, TypeAlias

from zenith.audit.errors import LostReaderError
from zenith.audit.seal_store import SealStore
from zenith.kernel.background import end

Leaf: TypeAlias = tuple[int, bytes]
ROWS: Final = 5000
"""Events read at once."""
AHEAD: Final = 2
"""Ranges that each reader has before it: memory stays flat."""


class RangeReader(Protocol):
    """Reads a part of a log elsewhere than in this thread."""

    async def leaves(self, after: int, through: int) -> Sequence[Leaf]:
        """Sequence and digest of the rows between. Raises LostReaderError if it cannot."""
        ...


class ReadingAhead:
    """Hands ranges of rows to readers, and their answers on in the order of the rows.

    The store itself reads beside them, and what a reader that is lost should have read: the same
    rows come, whoever reads them. Without readers `next` has nothing.
    """

    def __init__(self, store: SealStore, stream: str, *, rows: int = ROWS) -> None:
        self._store: Final = store
        self._stream: Final = stream
        self._rows: Final = rows
        self._free: Final[asyncio.Queue[RangeReader | None]] = asyncio.Queue()
        """None is the store itself."""
        self._readers = 0
        self._asked = 0
        self._due: Final[deque[tuple[int, asyncio.Task[Sequence[Leaf]]]]] = deque()

    def add(self, reader: RangeReader) -> None:
        """Use one more."""
        if not self._readers:
            self._free.put_nowait(None)
        self._readers += 1
        self._free.put_nowait(reader)

    async def next(self, after: int) -> tuple[Sequence[Leaf], int] | None:
        """The rows behind `after` up to a place, and that place; None where there is no whole range
        left. `after` is the place of the last answer, or what was read without this.
        """
        if not self._due:
            self._asked = max(self._asked, after)
        while len(self._due) < AHEAD * self._readers:
            through = await self._store.bound(self._stream, after=self._asked, count=self._rows)
            if through is None:
                break
            task = asyncio.create_task(self._read(self._asked, through))
            self._due.append((through, task))
            self._asked = through
        if not self._due:
            return None
        through, task = self._due[0]
        leaves = await task
        self._due.popleft()
        return leaves, through

    async def close(self) -> None:
        """Give up what nobody waits for any more."""
        while self._due:
            _, task = self._due.popleft()
            await end(task)

    async def _read(self, after: int, through: int) -> Sequence[Leaf]:
        reader = await self._free.get()
        try:
            if reader is not None:
                return await reader.leaves(after, through)
        except LostReaderError:
            reader = None
        finally:
            # Where one was lost the store takes its turns.
            self._free.put_nowait(reader)
        return await leaves_between(self._store, self._stream, after, through)


async def leaves_between(store: SealStore, stream: str, after: int, through: int) -> Sequence[Leaf]:
    """All rows of a range, also those that came between since it was measured."""
    found: list[Leaf] = []
    while page := await store.leaves(stream, after=after, limit=ROWS, through=through):
        found += page
        after = page[-1][0]
    return found
