"""Ranked word lists in little memory."""

from __future__ import annotations

import functools
import math
import sys
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from importlib import resources
from typing import Final, Self

MIN_WORD: Final = 3
MAX_WORD: Final = 20
_STEPS: Final = 7
"""Ranks are kept in sevenths of a bit, in seven bits: up to rank 2¹⁸."""
_MAX_STEPS: Final = 127
_NOT_COMMON: Final = 0x80
_HASH_BITS: Final = 0xFFFF_FFFF_FFFF_FF00
"""No secret: whoever finds a word with the hash of a common one has it refused, and that is all."""


class Dictionary:
    """Common passwords and other words, and how many bits it takes to name one: log2 of its rank.

    Each word is eight bytes: 56 bits of its BLAKE2b hash and 8 of its rank and kind, sorted. A
    wrong hit has a chance of one in 10¹¹. Words are compared in NFKC and without regard to case.
    """

    __slots__ = ("_entries",)

    def __init__(self, *, common: Sequence[str] = (), words: Sequence[str] = ()) -> None:
        """Both lists hold folded words, the most common first."""
        self._entries = array("Q", sorted([*_entries(common, 0), *_entries(words, _NOT_COMMON)]))

    @classmethod
    def unpacked(cls, packed: bytes) -> Self:
        """The dictionary that `packed` was made of."""
        dictionary = cls()
        dictionary._entries.frombytes(packed)
        if sys.byteorder != "little":
            dictionary._entries.byteswap()
        return dictionary

    def packed(self) -> bytes:
        """All of it, to be read in one go: eight bytes a word, the lowest first."""
        return b"".join(entry.to_bytes(8, "little") for entry in self._entries)

    def is_common(self, password: str) -> bool:
        """Whether this very password is among the common ones."""
        index = self._find(_key(fold(password)))
        return index is not None and not self._entries[index] & _NOT_COMMON

    def bits(self, folded: str) -> float | None:
        """Bits that a word is worth, which `fold` must have been applied to; None if unknown."""
        key = _key(folded)
        index = self._find(key)
        if index is None:
            return None
        best = _MAX_STEPS
        while index < len(self._entries) and self._entries[index] & _HASH_BITS == key:
            best = min(best, self._entries[index] & _MAX_STEPS)
            index += 1
        return best / _STEPS

    def _find(self, key: int) -> int | None:
        index = bisect_left(self._entries, key)
        if index == len(self._entries) or self._entries[index] & _HASH_BITS != key:
            return None
        return index


@functools.cache
def packaged_words() -> Dictionary:
    """Passwords from breaches, English words and names; read once, at first use."""
    packed = resources.files("zenith.passwords").joinpath("data", "words.bin").read_bytes()
    return Dictionary.unpacked(packed)


def fold(text: str) -> str:
    """The form in which words are compared."""
    return unicodedata.normalize("NFKC", text).casefold()


def _entries(ranking: Sequence[str], kind: int) -> Iterator[int]:
    # Ranks that share a step are made in one go: there are a hundred thousand words.
    start = 0
    for step in range(_MAX_STEPS + 1):
        end = len(ranking) if step == _MAX_STEPS else math.ceil(2 ** ((step + 1) / _STEPS)) - 1
        value = kind | step
        yield from [_key(word) | value for word in ranking[start:end]]
        start = max(start, end)


def _key(folded: str) -> int:
    digest = blake2b(folded.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") & _HASH_BITS
