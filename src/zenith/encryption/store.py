"""Where the keys of subjects are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class SubjectKeyStore(Protocol):
    """Wrapped keys by subject, and the mark of those that were erased.

    Threat: an erased key that comes back. A mark is kept for good, and `add` never takes its place.
    """

    async def find(self, subject: str) -> str | None:
        """The wrapped key; empty where the subject was erased, None where it is unknown."""
        ...

    async def add(self, subject: str, wrapped: str) -> str:
        """Keep `wrapped` where nothing is kept for the subject, in one step; what is kept now, the
        empty mark included.
        """
        ...

    async def page(self, after: str, limit: int) -> Sequence[tuple[str, str]]:
        """Subjects behind `after`, in order, with what is kept for them."""
        ...

    async def replace(self, subject: str, former: str, wrapped: str) -> bool:
        """Keep `wrapped` in place of `former`, in one step; whether that was still there."""
        ...

    async def erase(self, subject: str) -> bool:
        """Put the mark in place of the key, in one step, also where there is none; whether there
        was a key.
        """
        ...
