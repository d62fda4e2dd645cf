"""What a way of hashing passwords must be able to do."""

from __future__ import annotations

from typing import Protocol


class HashReader(Protocol):
    """Verifies hashes that others made, so that users can move in without a reset."""

    def owns(self, hashed: str) -> bool:
        """Whether `hashed` is of this kind, judged by its prefix alone."""
        ...

    def verify(self, secret: bytes, hashed: str) -> bool:
        """Whether `hashed` was made from `secret`; raises UnusableHashError if it is damaged."""
        ...


class HashAlgorithm(HashReader, Protocol):
    """Also makes hashes."""

    def hash(self, secret: bytes) -> str:
        """A new hash with a fresh random salt and today's cost."""
        ...

    def is_outdated(self, hashed: str, *, secret: bytes | None = None) -> bool:
        """Whether `hashed`, which this algorithm owns, has another cost or form than today's.

        `secret`, where it is known, is what was just verified: some forms cannot hold all of it.
        """
        ...
