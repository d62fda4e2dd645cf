"""Events as lines of JSON in a file, for log shippers."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from stat import S_ISREG
from typing import Final

from zenith.audit.document import document_of
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.events import Event

MAX_LINE: Final = 32_768
"""Bytes; details that do not fit are left out and marked."""
MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
# Without blocking: a pipe that nobody reads is an error, and no thread that waits for ever.
_FLAGS: Final = os.O_APPEND | os.O_CREAT | os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC | os.O_NONBLOCK


def line_of(event: Event) -> bytes:
    """One line for one event, which must have been redacted.

    Threat: log injection (ASVS 16.4.1). JSON escapes quotes, line ends and everything beyond
    ASCII, so that no value can end its line or look like another. Times are UTC (ASVS 16.2.2).
    """
    document = document_of(event)
    line = json.dumps(document, separators=(",", ":")) + "\n"
    if len(line) > MAX_LINE:
        document["details"] = {"left_out": f"{len(line)} bytes"}
        line = json.dumps(document, separators=(",", ":")) + "\n"
    return line.encode("ascii")


class JsonLines:
    """Appends lines to a file that others may rotate. Its methods block: call them in a thread.

    Threat: a log that others on the machine can read or that loses lines when it is rotated
    (ASVS 16.4.2). A file that this class makes is its owner's alone. Each append is one write, so
    that several processes can share the file; a line that a crash or a full disk has cut short is
    closed before the next begins.
    """

    def __init__(self, path: Path) -> None:
        self._path: Final = path
        self._lock: Final = threading.Lock()
        self._descriptor: int | None = None
        self._torn = False

    def open(self) -> None:
        """Open the file now. Raises ConfigurationError if that fails."""
        try:
            self.append(())
        except OSError as error:
            raise ConfigurationError(
                f"audit.json_lines cannot be written: {error.strerror}: {self._path}",
                fix="name a file in a folder that this process may write to, or None",
            ) from None

    def append(self, events: Sequence[Event], *, sync: bool = False) -> None:
        """Write one line for each event at the end; with `sync` return only once the disk has them.

        Raises OSError.
        """
        with self._lock:
            descriptor = self._current()
            data = b"".join(map(line_of, events))
            if not data:
                return
            rest = memoryview(b"\n" + data if self._torn else data)
            self._torn = True
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            self._torn = False
            if sync:
                os.fsync(descriptor)

    def close(self) -> None:
        """Close the file; a later append opens it again."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def _current(self) -> int:
        if self._descriptor is not None:
            if self._is_in_place(self._descriptor):
                return self._descriptor
            os.close(self._descriptor)
            self._descriptor = None
        self._path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        self._torn = self._ends_torn()
        self._descriptor = os.open(self._path, _FLAGS, MODE)
        return self._descriptor

    def _is_in_place(self, descriptor: int) -> bool:
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(descriptor))

    def _ends_torn(self) -> bool:
        try:
            found = self._path.stat()
            if not S_ISREG(found.st_mode) or not found.st_size:
                return False
            with self._path.open("rb") as file:
                file.seek(-1, os.SEEK_END)
                return file.read(1) != b"\n"
        except (FileNotFoundError, PermissionError):
            # The file does not exist yet, or may be written and not read.
            return False
