"""Whole files, in a thread; the target appears once all of it is right."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Event
from typing import BinaryIO, Final

from zenith.encryption.context import Context
from zenith.encryption.streams import Progress, StreamCipher

BLOCK: Final = 1024 * 1024
FILE: Final = Context("file")


async def encrypt_file(
    cipher: StreamCipher,
    source: Path,
    target: Path,
    *,
    context: Context = FILE,
    progress: Progress | None = None,
) -> None:
    """Encrypt `source` into `target`, which is replaced in one step.

    `progress` is called on the event loop with the bytes that were read. Raises OSError as files
    do, and ValueError for more than the cipher's `max_bytes`; nothing is left behind then.
    """
    await _convert(lambda blocks: cipher.encrypt(blocks, context), source, target, progress)


async def decrypt_file(
    cipher: StreamCipher,
    source: Path,
    target: Path,
    *,
    context: Context = FILE,
    progress: Progress | None = None,
) -> None:
    """Decrypt `source` into `target`, which is there only once every byte is verified.

    Threat: a file that is cut off, and used as if it were whole. Raises DecryptionError, and
    OSError as files do; nothing is left behind then.
    """
    await _convert(lambda blocks: cipher.decrypt(blocks, context), source, target, progress)


async def _convert(
    convert: Callable[[Iterable[bytes]], Iterator[bytes]],
    source: Path,
    target: Path,
    progress: Progress | None,
) -> None:
    loop, stopped = asyncio.get_running_loop(), Event()
    tell = None if progress is None else _on_loop(loop, progress)
    task = asyncio.ensure_future(
        asyncio.to_thread(_write, convert, source, target, tell, stopped.is_set)
    )
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        # A thread is not cancelled: it is told, and waited for, so that it leaves nothing behind.
        stopped.set()
        await asyncio.gather(task, return_exceptions=True)
        raise


def _on_loop(loop: asyncio.AbstractEventLoop, progress: Progress) -> Callable[[int], object]:
    return lambda done: loop.call_soon_threadsafe(progress, done)


def _write(
    convert: Callable[[Iterable[bytes]], Iterator[bytes]],
    source: Path,
    target: Path,
    tell: Callable[[int], object] | None,
    is_stopped: Callable[[], bool],
) -> None:
    draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file, source.open("rb") as given:
            for block in convert(_blocks(given, tell, is_stopped)):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _blocks(
    file: BinaryIO, tell: Callable[[int], object] | None, is_stopped: Callable[[], bool]
) -> Iterator[bytes]:
    done = 0
    while block := file.read(BLOCK):
        if is_stopped():
            raise InterruptedError("the task was cancelled")
        yield block
        done += len(block)
        if tell is not None:
            tell(done)
