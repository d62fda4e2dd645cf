"""Processes that help to read the log: verification is as fast as the machine has cores."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from zenith.audit.errors import LostReaderError
from zenith.audit.reading_ahead import Leaf
from zenith.stores.settings import DatabaseSettings
from zenith.stores.sql.leaf_process import COUNT, HELLO, LEAF, RANGE

MODULE: Final = "zenith.stores.sql.leaf_process"
START_TIMEOUT: Final = 30.0
RANGE_TIMEOUT: Final = 60.0
MAX_BUFFER: Final = 1 << 20


class LeafProcess:
    """A RangeReader in a process of its own, which has the database's settings and no key.

    Threat: a password that others on the machine read from a command line or an environment: it
    goes through the pipe to the process (ASVS 13.3.1). The program is named to the interpreter by
    its module, and the working directory is no place that it is taken from. It ends with its input,
    also where its owner is killed.
    """

    def __init__(self, process: Process) -> None:
        self._process: Final = process

    @classmethod
    async def start(cls, settings: DatabaseSettings, stream: str) -> Self:
        """Begin one. Raises LostReaderError where no process can be started, or not such a one."""
        if not Path(sys.executable or "").name.startswith(("python", "pypy")):
            # A server with Python inside of it would start itself once more.
            raise LostReaderError("this process is not run by an interpreter of its own")
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", MODULE),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                limit=MAX_BUFFER,
            )
        except (OSError, NotImplementedError, RuntimeError) as error:
            raise LostReaderError(f"no process: {error}") from None
        made = cls(process)
        told = {
            "url": settings.url.reveal(),
            "connect_timeout": settings.connect_timeout,
            "statement_timeout": settings.statement_timeout,
            "application_name": settings.application_name,
            "stream": stream,
        }
        try:
            await made._greet(json.dumps(told).encode() + b"\n")
        except BaseException:
            await made.close()
            raise
        return made

    async def leaves(self, after: int, through: int) -> Sequence[Leaf]:
        """Sequence and digest of the rows between. Raises LostReaderError."""
        head = await self._ask(RANGE.pack(after, through), COUNT.size, RANGE_TIMEOUT)
        (count,) = COUNT.unpack(head)
        if count < 0:
            raise LostReaderError("it cannot read the database")
        return list(LEAF.iter_unpack(await self._ask(b"", count * LEAF.size, RANGE_TIMEOUT)))

    async def close(self) -> None:
        """End the process."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def _greet(self, told: bytes) -> None:
        if await self._ask(told, len(HELLO), START_TIMEOUT) != HELLO:
            raise LostReaderError("another program answers")

    async def _ask(self, data: bytes, size: int, seconds: float) -> bytes:
        requests, answers = self._process.stdin, self._process.stdout
        if requests is None or answers is None:
            raise LostReaderError("the process has no pipes")
        try:
            async with asyncio.timeout(seconds):
                requests.write(data)
                await requests.drain()
                return await answers.readexactly(size)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            raise LostReaderError(f"the process is lost: {type(error).__name__}") from None
