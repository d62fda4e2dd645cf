"""Tasks beside the requests, and how they end."""

from __future__ import annotations

import asyncio
from typing import Any, Final

PATIENCE: Final = 1.0
"""Seconds after which a task that was asked to end is asked again."""


async def end(task: asyncio.Task[Any], *, patience: float = PATIENCE) -> None:
    """Cancel a task and wait until it has ended, with whatever it ends.

    A cancellation can get lost: before Python 3.12 `asyncio.wait_for`, by which drivers wait, drops
    one that arrives together with what was waited for. Who then waits for the task that goes on
    waits for ever, at a start or a stop. So it is cancelled again, until it is done.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=patience)
    if not task.cancelled():
        # Asked for, so that nothing is logged of an error that nobody awaits any more.
        task.exception()
