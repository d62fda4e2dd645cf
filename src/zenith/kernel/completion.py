"""Work that is not left half done because somebody no longer waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any, Final, TypeVar

T = TypeVar("T")
_safe: Final[ContextVar[asyncio.Task[Any] | None]] = ContextVar("zenith_safe", default=None)
"""The task that works for somebody; those that it starts inherit this and are others."""


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Wait for `work`, also if the caller is cancelled meanwhile, who then learns of it: also where
    the work failed, which is the cause of what is raised then. It must end by itself.
    """
    if _safe.get() is asyncio.current_task():
        # Within such work already: nobody who waits for it can cancel this.
        return await work
    task = asyncio.create_task(_safely(work))
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled from (None if task.cancelled() else task.exception())
    return task.result()


async def _safely(work: Coroutine[Any, Any, T]) -> T:
    _safe.set(asyncio.current_task())
    return await work
