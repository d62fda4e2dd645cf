"""Where files of others are kept."""

from __future__ import annotations

from typing import Protocol

from zenith.content.uploads import CheckedFile
from zenith.kernel.records import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredFile:
    """A file as it is kept."""

    id: str
    """Random; the only thing by which it is found."""
    name: str
    media_type: str
    size: int
    sha256: str


class UploadStore(Protocol):
    """Keeps files under names of its own, where no web server serves them from (ASVS 5.3.1)."""

    async def save(self, file: CheckedFile) -> StoredFile:
        """Keep it, whole or not at all."""
        ...

    async def read(self, file_id: str) -> tuple[StoredFile, bytes]:
        """What was kept. Raises NotFoundError where there is no such file."""
        ...

    async def delete(self, file_id: str) -> bool:
        """Forget it; whether it was there."""
        ...
