"""The second place: a file that only grows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from zenith.audit.checkpoint import Checkpoint, read_checkpoint
from zenith.kernel.errors import ConfigurationError

MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
MAX_LINE: Final = 4096
_FLAGS: Final = os.O_APPEND | os.O_CREAT | os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC


class CheckpointFile:
    """Checkpoints, a line each, on the disk before `append` returns. Its methods block: call them
    in a thread.

    Threat: a database that somebody set back, cut or rewrote as a whole, with seals and all. Keep
    the file on another disk or machine than the database, where its users may append and not
    change (`chattr +a`, an object store with retention, a log host).
    """

    def __init__(self, path: Path) -> None:
        self.path: Final = path

    def open(self) -> None:
        """Make the file, its owner's alone. Raises ConfigurationError if it cannot be written."""
        try:
            self.path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            os.close(os.open(self.path, _FLAGS, MODE))
        except OSError as error:
            raise ConfigurationError(
                f"audit.checkpoints cannot be written: {error.strerror}: {self.path}",
                fix="name a file in a folder that this process may write to, or None",
            ) from None

    def append(self, checkpoint: Checkpoint) -> None:
        """Add one, in one write, and return once the disk has it. Raises OSError.

        It begins with a line end of its own: what a crash cut short is closed by it, whoever wrote
        it, and empty lines mean nothing.
        """
        descriptor = os.open(self.path, _FLAGS, MODE)
        try:
            rest = memoryview(b"\n" + checkpoint.line().encode())
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def read(self) -> Iterator[Checkpoint | str]:
        """Every checkpoint in order, and for each line that is none why it is not. A line without
        its end is one that a full disk or a crash cut short, or the last, that is being written: it
        is left out, and who cuts one has done no more than who removes it. Raises OSError.
        """
        with self.path.open("rb") as file:
            while line := file.readline(MAX_LINE):
                if not line.strip():
                    continue
                if not line.endswith(b"\n") and len(line) < MAX_LINE:
                    return
                if line.startswith(b"{") and line.endswith(b"\n") and b"}" not in line:
                    continue
                try:
                    yield read_checkpoint(line.decode("utf-8", "replace"))
                except ValueError as error:
                    yield str(error)

    def last(self, stream: str) -> Checkpoint | None:
        """The newest one of a stream; None if there is none. Raises OSError."""
        found = None
        try:
            for each in self.read():
                if isinstance(each, Checkpoint) and each.stream == stream:
                    found = each
        except FileNotFoundError:
            return None
        return found
