"""Large data, piece by piece: no more in memory than some pieces, and none given out unverified.

The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizar: Online Authenticated-Encryption and
its Nonce-Reuse Misuse-Resistance, 2015): each piece has the number of its place in its nonce, and
the last one a mark. See docs/explanation/encryption.md for the bytes.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from zenith.encryption.cipher import message_key
from zenith.encryption.context import Context
from zenith.encryption.data_key import ID_BYTES
from zenith.encryption.errors import DecryptionError
from zenith.encryption.keyring import Keyring

MAGIC: Final = b"zes\x01"
SALT_BYTES: Final = 24
HEADER: Final = len(MAGIC) + ID_BYTES + SALT_BYTES
PIECE: Final = 64 * 1024
TAG: Final = 16
MAX_PIECES: Final = 1 << 32
BATCH: Final = 16
"""Pieces that a thread works on before the event loop is asked again: a millisecond or so."""
INFO: Final = b"zenith/encryption/stream/1"
Progress = Callable[[int], None]


class StreamCipher:
    """Encrypts and decrypts what does not fit into a value: files, exports, backups.

    Threat: pieces that are cut off, dropped, repeated or put into another order, each of them
    genuine (ASVS 11.3.3). Every stream has a key of its own. A piece is given out as soon as it is
    verified, so only at the end is it known that nothing was cut off: do nothing that cannot be
    undone before, or use `decrypt_file`, which does it in one step.
    """

    def __init__(self, keyring: Keyring, *, max_bytes: int = MAX_PIECES * PIECE) -> None:
        self._ring: Final = keyring
        self._most: Final = min(MAX_PIECES, max(1, -(-max_bytes // PIECE)))

    def encrypt(self, source: Iterable[bytes], context: Context) -> Iterator[bytes]:
        """The encrypted stream of `source`, whose pieces may have any size. It blocks: for threads
        and programs. Raises ValueError for more than `max_bytes`.
        """
        head, writer = self._writer(context)
        yield head
        for piece, is_last in _pieces(source, PIECE):
            yield writer.seal(piece, is_last=is_last)

    def decrypt(self, source: Iterable[bytes], context: Context) -> Iterator[bytes]:
        """What `encrypt` was given; raises DecryptionError at the first piece that is not as it
        was, and at the end if that is missing. It blocks.
        """
        blocks = _Blocks(source)
        reader = self._reader(blocks.take(HEADER), context)
        for piece, is_last in _pieces(blocks, PIECE + TAG):
            yield reader.open(piece, is_last=is_last)

    async def encrypt_async(
        self,
        source: AsyncIterable[bytes],
        context: Context,
        *,
        progress: Progress | None = None,
    ) -> AsyncIterator[bytes]:
        """`encrypt` for the event loop: pieces are encrypted in a thread, some at a time.
        `progress` is called with the bytes of the source that are done.
        """
        head, writer = self._writer(context)
        yield head
        done = 0
        async for batch in _batches(source, PIECE):
            yield await asyncio.to_thread(_through, writer.seal, batch)
            done += sum(len(piece) for piece, _ in batch)
            if progress is not None:
                progress(done)

    async def decrypt_async(
        self,
        source: AsyncIterable[bytes],
        context: Context,
        *,
        progress: Progress | None = None,
    ) -> AsyncIterator[bytes]:
        """`decrypt` for the event loop; `progress` as for `encrypt_async`."""
        blocks = _AsyncBlocks(source)
        reader = self._reader(await blocks.take(HEADER), context)
        done = HEADER
        async for batch in _batches(blocks, PIECE + TAG):
            yield await asyncio.to_thread(_through, reader.open, batch)
            done += sum(len(piece) for piece, _ in batch)
            if progress is not None:
                progress(done)

    def _writer(self, context: Context) -> tuple[bytes, _Pieces]:
        key = self._ring.active
        head = MAGIC + key.id + secrets.token_bytes(SALT_BYTES)
        return head, self._pieces(head, context)

    def _reader(self, head: bytes, context: Context) -> _Pieces:
        if len(head) != HEADER or not head.startswith(MAGIC):
            raise DecryptionError
        return self._pieces(head, context)

    def _pieces(self, head: bytes, context: Context) -> _Pieces:
        material = self._ring.material(head[len(MAGIC) : len(MAGIC) + ID_BYTES])
        if material is None:
            raise DecryptionError
        key = message_key(material, salt=head[len(MAGIC) + ID_BYTES :], info=INFO)
        return _Pieces(AESGCM(key), head + context.encode(), self._most)


class _Pieces:
    """One stream: the number of the next piece, and whether the last one was seen."""

    def __init__(self, cipher: AESGCM, aad: bytes, most: int) -> None:
        self._cipher: Final = cipher
        self._aad: Final = aad
        self._most: Final = most
        self._number = 0

    def seal(self, piece: bytes, *, is_last: bool) -> bytes:
        if self._number >= self._most:
            raise ValueError("more than this stream may hold")
        return self._cipher.encrypt(self._nonce(is_last=is_last), piece, self._aad)

    def open(self, piece: bytes, *, is_last: bool) -> bytes:
        if self._number >= self._most or len(piece) < TAG:
            raise DecryptionError
        try:
            return self._cipher.decrypt(self._nonce(is_last=is_last), piece, self._aad)
        except InvalidTag:
            raise DecryptionError from None

    def _nonce(self, *, is_last: bool) -> bytes:
        number = self._number
        self._number += 1
        return number.to_bytes(11, "big") + (b"\x01" if is_last else b"\x00")


class _Blocks:
    """An iterable of bytes of which some may be taken off the front."""

    def __init__(self, source: Iterable[bytes]) -> None:
        self._source: Final = iter(source)
        self._rest = b""

    def take(self, size: int) -> bytes:
        while len(self._rest) < size:
            block = next(self._source, None)
            if block is None:
                break
            self._rest += block
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def __iter__(self) -> Iterator[bytes]:
        yield self._rest
        yield from self._source


class _AsyncBlocks:
    """The same for the event loop."""

    def __init__(self, source: AsyncIterable[bytes]) -> None:
        self._source: Final = aiter(source)
        self._rest = b""

    async def take(self, size: int) -> bytes:
        while len(self._rest) < size:
            block = await anext(self._source, None)
            if block is None:
                break
            self._rest += block
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._rest
        async for block in self._source:
            yield block


class _Cutter:
    """Cuts blocks of any size into pieces of one size. The last is told apart, and may be empty in
    an empty stream only: so a stream of whole pieces has one form.
    """

    def __init__(self, size: int) -> None:
        self._size: Final = size
        self._held = bytearray()

    def feed(self, block: bytes) -> Iterator[bytes]:
        self._held += block
        # One piece is always held back: it may be the last.
        while len(self._held) > self._size:
            yield bytes(self._held[: self._size])
            del self._held[: self._size]

    def rest(self) -> bytes:
        return bytes(self._held)


def _pieces(source: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    cutter = _Cutter(size)
    for block in source:
        for piece in cutter.feed(block):
            yield piece, False
    yield cutter.rest(), True


async def _batches(
    source: AsyncIterable[bytes], size: int
) -> AsyncIterator[list[tuple[bytes, bool]]]:
    cutter = _Cutter(size)
    batch: list[tuple[bytes, bool]] = []
    async for block in source:
        for piece in cutter.feed(block):
            batch.append((piece, False))
            if len(batch) == BATCH:
                yield batch
                batch = []
    batch.append((cutter.rest(), True))
    yield batch


def _through(work: Callable[..., bytes], batch: list[tuple[bytes, bool]]) -> bytes:
    return b"".join([work(piece, is_last=is_last) for piece, is_last in batch])
