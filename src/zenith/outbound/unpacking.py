"""Bodies of answers, counted as they come and as they unpack.

Threat: an answer without end, and a small one that unpacks to gigabytes: gzip makes a thousand
bytes of one (ASVS 5.2.3, in the other direction). It is unpacked in pieces, and no further than the
limit.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from zenith.outbound.errors import AnswerTooLargeError, MalformedAnswerError

ASKED_FOR: Final = "gzip"
"""Value of Accept-Encoding."""
_PLAIN: Final = frozenset({"", "identity"})
_GZIP: Final = frozenset({"gzip", "x-gzip"})
PIECE: Final = 64 * 1024
"""Bytes that are unpacked at a time."""
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS


class Unpacking:
    """Takes one body in the `coding` that Content-Encoding names, of at most `limit` bytes.

    Raises MalformedAnswerError for a coding that was not asked for, codings upon codings included.
    """

    __slots__ = ("_limit", "_packed", "_unpacked", "_zlib")

    def __init__(self, coding: str, *, limit: int) -> None:
        name = coding.strip().lower()
        if name not in _PLAIN | _GZIP:
            raise MalformedAnswerError(reason="the answer's coding was not asked for")
        self._zlib: Final = zlib.decompressobj(_GZIP_WINDOW) if name in _GZIP else None
        self._limit: Final = limit
        self._packed = 0
        self._unpacked = 0

    @property
    def is_packed(self) -> bool:
        """Whether what comes out differs from what goes in."""
        return self._zlib is not None

    def feed(self, part: bytes) -> Iterator[bytes]:
        """What a part of the body unpacks to, in pieces."""
        self._packed += len(part)
        if self._packed > self._limit:
            raise AnswerTooLargeError(reason="the answer is too large")
        unpacker, rest = self._zlib, part
        if unpacker is None:
            yield part
            return
        while rest and not unpacker.eof:
            try:
                piece = unpacker.decompress(rest, PIECE)
            except zlib.error:
                raise MalformedAnswerError(reason="the answer does not unpack") from None
            self._unpacked += len(piece)
            if self._unpacked > self._limit:
                raise AnswerTooLargeError(reason="the answer unpacks to too much")
            yield piece
            rest = unpacker.unconsumed_tail
        if rest or unpacker.unused_data:
            raise MalformedAnswerError(reason="the answer goes on after its end")

    def finish(self) -> None:
        """Raises MalformedAnswerError if the body ended too early; one that is absent has none."""
        if self._zlib is not None and self._packed and not self._zlib.eof:
            raise MalformedAnswerError(reason="the answer ends before its end")
