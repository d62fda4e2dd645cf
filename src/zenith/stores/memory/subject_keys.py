"""Keys of subjects in process memory: for tests. Keys that are lost take their data with them."""

from __future__ import annotations

from collections.abc import Sequence


class MemorySubjectKeyStore:
    """A SubjectKeyStore of one process."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    async def find(self, subject: str) -> str | None:
        """The wrapped key; empty where the subject was erased, None where it is unknown."""
        return self._kept.get(subject)

    async def add(self, subject: str, wrapped: str) -> str:
        """Keep `wrapped` where nothing is kept; what is kept now."""
        return self._kept.setdefault(subject, wrapped)

    async def page(self, after: str, limit: int) -> Sequence[tuple[str, str]]:
        """Subjects behind `after`, in order."""
        return [(each, self._kept[each]) for each in sorted(self._kept) if each > after][:limit]

    async def replace(self, subject: str, former: str, wrapped: str) -> bool:
        """Keep `wrapped` in place of `former`; whether that was still there."""
        if self._kept.get(subject) != former:
            return False
        self._kept[subject] = wrapped
        return True

    async def erase(self, subject: str) -> bool:
        """Put the mark in place of the key; whether there was one."""
        was = self._kept.get(subject)
        self._kept[subject] = ""
        return bool(was)
