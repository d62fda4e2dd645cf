"""Files of others, in a folder."""

from __future__ import annotations

import asyncio
import json
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from zenith.content.store import StoredFile
from zenith.content.uploads import CheckedFile
from zenith.kernel.errors import ConfigurationError, NotFoundError
from zenith.kernel.keys import new_token

OWNER_ONLY: Final = 0o600
FOLDER_MODE: Final = 0o700
ID_BYTES: Final = 16
MAX_FACTS: Final = 4096
_ID: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class UploadFolder:
    """Keeps each file under a random name without an ending, readable by its owner only.

    Threat: an upload that a web server serves or runs, or that lands elsewhere by its name (ASVS
    5.3.1, 5.3.2). `web_roots` are the folders that are served; the start is refused where `path`
    is in one of them or around one. Raises ConfigurationError.
    """

    def __init__(self, path: Path, *, web_roots: Sequence[Path] = ()) -> None:
        self._path: Final = path.resolve()
        for root in web_roots:
            served = root.resolve()
            if served.is_relative_to(self._path) or self._path.is_relative_to(served):
                raise ConfigurationError(
                    f"uploads are kept in {path}, of which files are served",
                    fix="name a folder outside of what web servers and mounts serve",
                )
        try:
            self._path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"{path}: {error.strerror}", fix="name a folder that can be written to"
            ) from None

    async def save(self, file: CheckedFile) -> StoredFile:
        """Keep it, whole or not at all."""
        stored = StoredFile(
            id=new_token(ID_BYTES),
            name=file.name,
            media_type=file.kind.media_type,
            size=len(file.data),
            sha256=file.sha256,
        )
        await asyncio.to_thread(self._write, stored, file.data)
        return stored

    async def read(self, file_id: str) -> tuple[StoredFile, bytes]:
        """What was kept. Raises NotFoundError where there is no such file."""
        return await asyncio.to_thread(self._read, self._place(file_id))

    async def delete(self, file_id: str) -> bool:
        """Forget it; whether it was there."""
        return await asyncio.to_thread(self._remove, self._place(file_id))

    def _place(self, file_id: str) -> Path:
        if not _ID.fullmatch(file_id):
            raise NotFoundError(reason="upload: no such id")
        # Large folders are slow: the first two characters name one of 4,096.
        return self._path / file_id[:2] / file_id

    def _write(self, stored: StoredFile, data: bytes) -> None:
        place = self._place(stored.id)
        place.parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
        facts = json.dumps(asdict(stored)).encode()
        draft = place.with_name(f"{place.name}.draft")
        try:
            descriptor = os.open(
                draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, OWNER_ONLY
            )
            with os.fdopen(descriptor, "wb") as file:
                # One file: facts and content are there together or not at all.
                file.write(len(facts).to_bytes(4, "big") + facts + data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)

    def _read(self, place: Path) -> tuple[StoredFile, bytes]:
        try:
            descriptor = os.open(place, os.O_RDONLY | _NO_FOLLOW)
        except OSError:
            raise NotFoundError(reason="upload: no such file") from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise NotFoundError(reason="upload: no file")
        with os.fdopen(descriptor, "rb") as file:
            size = int.from_bytes(file.read(4), "big")
            facts = file.read(min(size, MAX_FACTS))
            data = file.read()
        return StoredFile(**json.loads(facts)), data

    def _remove(self, place: Path) -> bool:
        try:
            place.unlink()
        except FileNotFoundError:
            return False
        return True
