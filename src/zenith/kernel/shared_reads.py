"""One read for all who ask for the same thing at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from functools import partial
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")


class SharedReads(Generic[T]):
    """Reads that are on their way.

    What a cache keeps for a second is asked for by many at once when the second is over: all but
    the first wait for the first one's answer, and the store is asked once. Nobody gets an answer
    that was asked for in an earlier `generation` than his own, which a cache counts up when
    something ends: such an answer may be from before that. Who is cancelled takes the answer from
    nobody else.
    """

    __slots__ = ("_running",)

    def __init__(self) -> None:
        self._running: Final[dict[Hashable, tuple[int, asyncio.Task[T]]]] = {}

    async def of(
        self, key: Hashable, generation: int, read: Callable[[], Coroutine[Any, Any, T]]
    ) -> T:
        """The answer of `read()` for `key`, perhaps one that somebody waits for already."""
        running = self._running.get(key)
        if (
            running is None
            or running[0] != generation
            or running[1].get_loop() is not asyncio.get_running_loop()
        ):
            task = asyncio.create_task(read())
            running = self._running[key] = (generation, task)
            task.add_done_callback(partial(self._forget, key))
        return await asyncio.shield(running[1])

    def _forget(self, key: Hashable, task: asyncio.Task[T]) -> None:
        running = self._running.get(key)
        if running is not None and running[1] is task:
            del self._running[key]
        if not task.cancelled():
            # Those who asked may all be gone, and then nobody would look at it.
            task.exception()
