"""Processes that help to verify a log, where it is long and there are cores."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from zenith.audit import AuditSettings
from zenith.audit.errors import LostReaderError
from zenith.audit.reading_ahead import ReadingAhead
from zenith.kernel.background import end
from zenith.stores.settings import DatabaseSettings
from zenith.stores.sql import SqlSealStore
from zenith.stores.sql.audit_leaves import LeafProcess

WORTH: Final = 1_000_000
"""Events below which a process takes longer to start than it saves."""
MAX_PROCESSES: Final = 8
_logger: Final = logging.getLogger("zenith.audit")


@asynccontextmanager
async def reading_ahead(
    seals: SqlSealStore, settings: AuditSettings, database: DatabaseSettings, *, worth: int = WORTH
) -> AsyncGenerator[ReadingAhead | None]:
    """Readers for one verification, which does not wait for their start; None where they are not
    worth it. Where no process can be started this one reads alone, and finds the same.
    """
    count = settings.verify_processes or min(_cores(), MAX_PROCESSES)
    head = await seals.head(settings.stream) if count > 1 else None
    if head is None or head.total < worth:
        yield None
        return
    ahead = ReadingAhead(seals, settings.stream)
    started: list[LeafProcess] = []

    async def start() -> None:
        try:
            process = await LeafProcess.start(database, settings.stream)
        except LostReaderError as error:
            _logger.warning("audit: verified with fewer processes: %s", error)
        else:
            started.append(process)
            ahead.add(process)

    # This process reads, too.
    starts = [asyncio.create_task(start()) for _ in range(count - 1)]
    try:
        yield ahead
    finally:
        for task in starts:
            await end(task)
        await ahead.close()
        for process in started:
            await process.close()


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # Not on every system.
        return os.cpu_count() or 1
