"""Cancels a task at the n-th place where it waits, for each n."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Literal

When = Literal["early", "late"]


class CancelledAt:
    """Awaits `work` and cancels its task where it waits for the n-th time: early, before what it
    waits for is done, or late, when it is done and the task has not seen it yet.
    """

    def __init__(self, work: Coroutine[Any, Any, Any], n: int, when: When) -> None:
        self._work, self._left, self._when = work, n, when

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._work.__await__()
        send: Callable[[], Any] = lambda: next(steps)  # noqa: E731
        while True:
            try:
                waited = send()
            except StopIteration as end:
                return end.value
            self._left -= 1
            if self._left == 0:
                self._cancel(waited)
            try:
                value = yield waited
            except BaseException as error:  # noqa: BLE001  # it is thrown into the work
                send = lambda error=error: steps.throw(error)  # noqa: E731
            else:
                send = lambda value=value: steps.send(value)  # noqa: E731

    def _cancel(self, waited: asyncio.Future[Any] | None) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._when == "early" or waited is None:
            task.cancel()
        else:
            waited.add_done_callback(lambda _: task.cancel())

    @property
    def was_reached(self) -> bool:
        return self._left <= 0


async def cancelled_everywhere(
    work: Callable[[], Coroutine[Any, Any, Any]],
    after: Callable[[int, BaseException | None], Coroutine[Any, Any, None]],
    when: When,
) -> int:
    """Run `work` again and again, cancelled at its first, second, ... place, and `after` each, with
    how it ended; returns how many places there were.
    """
    n = 0
    while True:
        n += 1
        cancelling = CancelledAt(work(), n, when)

        async def run(cancelling: CancelledAt = cancelling) -> None:
            await cancelling

        task = asyncio.create_task(run())
        await asyncio.wait((task,))
        ended = asyncio.CancelledError() if task.cancelled() else task.exception()
        if not cancelling.was_reached:
            assert ended is None
            return n - 1
        await after(n, ended)
