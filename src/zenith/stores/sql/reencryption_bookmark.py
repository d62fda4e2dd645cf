"""Where a re-encryption got to, on disk: the tables that are done, and the last key of the next."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self
from uuid import UUID

from zenith.kernel.errors import ConfigurationError

OWNER_ONLY: Final = 0o600
_KINDS: Final[Mapping[str, Callable[[str], object]]] = {"int": int, "str": str, "uuid": UUID}


class Bookmark:
    """A small file that is replaced in one step. It holds keys of rows and a digest of which keys
    are active, no value. One that is lost, torn or of other keys means to begin anew, no more.
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        self._path: Final = path
        self._resume: Final = resume
        self._kept: dict[str, Any] = {}
        self.resumed = False
        """Whether there was something to go on from."""

    def open(self, fingerprint: str) -> Self:
        """Read what is there, if it is of the same active keys and to be gone on from."""
        own = hashlib.sha256(fingerprint.encode()).hexdigest()
        found = _read(self._path) if self._resume else {}
        self.resumed = found.get("keys") == own
        self._kept = found if self.resumed else {"keys": own, "tables": {}}
        return self

    def is_done(self, table: str) -> bool:
        """Whether the first round is over."""
        return bool(self._kept["tables"].get(table) == "done")

    def place(self, table: str) -> Sequence[Any] | None:
        """The last key that was written; None at the beginning."""
        found: Any = self._kept["tables"].get(table)
        return None if found in (None, "done") else [_KINDS[kind](text) for kind, text in found]

    def move(self, table: str, after: Sequence[Any] | None) -> None:
        """Remember the last key, or with None that the table is done."""
        named = "done" if after is None else _named(after)
        if named is None:
            return
        self._kept["tables"][table] = named
        try:
            self._write()
        except OSError as error:
            raise ConfigurationError(
                f"{self._path} cannot be written: {error.strerror}",
                fix="make room, or set ZENITH_HOME to a folder of your own",
            ) from None

    def _write(self) -> None:
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump(self._kept, file)
        draft.replace(self._path)

    def close(self) -> None:
        """All is done."""
        self._path.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="ascii"))
        for place in found["tables"].values():
            if place != "done":
                _ = [_KINDS[kind](text) for kind, text in place]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
    else:
        return dict(found)


def _named(key: Sequence[Any]) -> list[tuple[str, str]] | None:
    """None for a key of a kind that has no spelling here: such a table begins anew."""
    spelled = {int: "int", str: "str", UUID: "uuid"}
    if not all(type(each) in spelled for each in key):
        return None
    return [(spelled[type(each)], str(each)) for each in key]
