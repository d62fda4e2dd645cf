"""The file of an application's keys: read by all its processes, changed by one at a time."""

from __future__ import annotations

import asyncio
import fcntl
import os
import stat
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, TypeAlias

from zenith.encryption.key_document import MAX_DOCUMENT, unwrap_keys, wrap_keys
from zenith.encryption.key_set import KeySet
from zenith.encryption.providers import KeyProvider, open_at_once
from zenith.kernel.clock import wall_clock
from zenith.kernel.completion import to_its_end
from zenith.kernel.errors import ConfigurationError

OWNER_ONLY: Final = 0o600
PAUSE: Final = 0.02
Stamp: TypeAlias = tuple[int, int, int]
MAKE: Final = "make it with `zenith keys generate`, or restore it from a backup"


class KeyFile:
    """A document of wrapped keys at `path`, opened by `provider`.

    Threat: half a document after a crash, or two who change it at once and of whom one loses the
    other's key with all that it has encrypted. A change happens under a lock, is on the disk before
    it counts, and takes the place of what was there in one step.
    """

    def __init__(self, path: Path, provider: KeyProvider) -> None:
        self.path: Final = path
        self._provider: Final = provider

    async def read(self) -> KeySet:
        """The keys; raises ConfigurationError where they are missing or do not open."""
        try:
            text = await asyncio.to_thread(_text, self.path)
        except FileNotFoundError:
            raise ConfigurationError(f"there are no keys in {self.path}", fix=MAKE) from None
        except (OSError, UnicodeDecodeError):
            raise _unusable(self.path) from None
        return await unwrap_keys(text, self._provider)

    async def create(self) -> KeySet:
        """Make keys where there are none; else those that are there."""
        async with self._lock():
            if await asyncio.to_thread(self.path.exists):
                return await self.read()
            keys = KeySet.new(now=wall_clock())
            await self._write(keys)
            return keys

    async def change(self, change: Callable[[KeySet], None]) -> KeySet:
        """Let `change` alter the rings, and keep them; what it raises leaves them as they were."""
        async with self._lock():
            keys = await self.read()
            change(keys)
            changed = keys.next()
            await self._write(changed)
            return changed

    async def rewrap(self, provider: KeyProvider, *, anew: bool = False) -> bool:
        """Let another provider wrap the same keys, in one step; whether that was still to be done.

        Killed at any moment, the file opens by the one or by the other, and the same call comes to
        the end. With `anew` it is done even where `provider` opens the file already: for a new
        key-encryption key under the same key of a service. Raises ConfigurationError where neither
        opens it, or the other cannot wrap; then nothing has changed.
        """
        other = KeyFile(self.path, provider)
        async with self._lock():
            if not anew:
                with suppress(ConfigurationError):
                    await other.read()
                    return False
            keys = await self.read()
            await other._write(keys.next())
            return True

    def stamp(self) -> Stamp | None:
        """What differs once the file was changed; None where it cannot be seen."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    async def _write(self, keys: KeySet) -> None:
        text = await wrap_keys(keys, self._provider)
        # Read back before it counts: what does not open would take all data with it.
        await unwrap_keys(text, self._provider)
        try:
            # To its end: a thread is not cancelled, and would put this in the place of what another
            # has written since, to whom the lock was given.
            await to_its_end(asyncio.to_thread(_replace, self.path, text))
        except OSError:
            raise _unusable(self.path) from None

    @asynccontextmanager
    async def _lock(self) -> AsyncGenerator[None]:
        try:
            descriptor = await asyncio.to_thread(_opened, self.path)
        except OSError:
            raise _unusable(self.path) from None
        try:
            await _acquire(descriptor)
            yield
        finally:
            os.close(descriptor)


def _text(path: Path) -> str:
    with open_at_once(path) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("no file")
        return file.read(MAX_DOCUMENT + 1).decode("ascii")


def _opened(path: Path) -> int:
    # Where a link leads: all who use the file by another name wait at the same lock.
    path = path.resolve()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = path.with_name(f"{path.name}~")
    return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY)


async def _acquire(descriptor: int) -> None:
    """Asks again and again: threads that wait would be all there are, and the holder needs one."""
    while True:
        if _locked(descriptor):
            return
        await asyncio.sleep(PAUSE)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _replace(path: Path, text: str) -> None:
    # Else the link would be replaced, and its file stay as it is for all others.
    path = path.resolve()
    # One name: whoever holds the lock clears away what another left who was killed.
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _unusable(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{path} cannot be read or written", fix="make it a file in a folder of this user"
    )
