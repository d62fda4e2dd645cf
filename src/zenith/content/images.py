"""Pictures: their size and their end, read from their structure without decoding anything."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from zenith.content.errors import UploadRefusedError

PNG: Final = b"\x89PNG\r\n\x1a\n"
# Of a run of 0xff the last: a pattern that begins at each of them goes over the rest each time.
_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_START, _END, _ALONE = 0xD8, 0xD9, 0x01
_SIZED: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SCAN: Final = 0xDA
MAX_SCANS: Final = 200
"""Of a JPEG: each goes over the whole image, and cameras and programs write a dozen."""
MAX_MARKERS: Final = 20_000
"""Of a JPEG, with those that hold nothing: 100 MiB are 1,600 segments of the usual length."""
MAX_PARTS: Final = 100_000
"""Chunks of a PNG or WebP, and parts of a GIF: 100 MiB are 12,800 of the usual length."""
MAX_FRAME_PARTS: Final = 10
"""Of a frame of a WebP, which has two."""
MAX_BLOCKS: Final = 1_000_000
"""Of a GIF, within its parts: 100 MiB are 410,000 of the usual length."""
_LENGTH: Final = 2
_GIF_END, _GIF_PICTURE, _GIF_EXTENSION = 0x3B, 0x2C, 0x21
_LOSSLESS: Final = 0x2F


class Picture(NamedTuple):
    """What the structure of an image says."""

    width: int
    height: int
    frames: int
    end: int
    """Bytes up to the end of the image."""


def read_picture(kind: str, data: bytes) -> Picture:
    """The size, the number of pictures and the end of a `png`, `jpeg`, `gif` or `webp`.

    Threat: an image of few bytes that takes gigabytes to decode, and one with something else behind
    it (ASVS 5.2.2, 5.2.6). Raises UploadRefusedError for one that is broken or has no size.
    """
    try:
        found = _READERS[kind](data)
    except (struct.error, IndexError):
        raise broken() from None
    if found.width < 1 or found.height < 1 or found.frames < 1:
        raise broken()
    return found


def broken() -> UploadRefusedError:
    """The refusal of a file whose structure does not hold."""
    return UploadRefusedError("The file is damaged", reason="upload: broken structure")


def _png(data: bytes) -> Picture:
    width = height = drawn = 0
    frames, position = 1, len(PNG)
    for _ in range(MAX_PARTS):
        length, name = struct.unpack_from(">I4s", data, position)
        if (position == len(PNG)) != (name == b"IHDR"):
            raise broken()
        if name == b"IHDR":
            width, height = struct.unpack_from(">II", data, position + 8)
        elif name == b"acTL":
            (told,) = struct.unpack_from(">I", data, position + 8)
            if not told:
                raise broken()
            # Some believe the first of two, some the last, and some what is drawn.
            frames = max(frames, told)
        drawn += name == b"fcTL"
        position += length + 12
        if position > len(data):
            raise broken()
        if name == b"IEND":
            return Picture(width, height, max(frames, drawn), position)
    raise _tedious("chunks")


def _jpeg(data: bytes) -> Picture:
    width = height = scans = 0
    position = 2
    for _ in range(MAX_MARKERS):
        # Between segments, and at the end of what is coded, the next marker is what counts.
        marker = _MARKER.search(data, position)
        if marker is None:
            raise broken()
        code, position = data[marker.end() - 1], marker.end()
        if code == _END:
            return Picture(width, height, 1, position)
        if code == _ALONE:
            continue
        (length,) = struct.unpack_from(">H", data, position)
        if length < _LENGTH or code == _START:
            raise broken()
        if code in _SIZED:
            if height:
                raise broken()
            height, width = struct.unpack_from(">HH", data, position + 3)
        scans += code == _SCAN
        if scans > MAX_SCANS:
            raise _tedious("scans")
        position += length
    raise _tedious("markers")


def _tedious(what: str) -> UploadRefusedError:
    return UploadRefusedError("The image takes too long to decode", reason=f"upload: {what}")


def _gif(data: bytes) -> Picture:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    position = 13 + _palette(flags)
    frames = blocks = 0
    for _ in range(MAX_PARTS):
        block = data[position]
        if block == _GIF_END:
            return Picture(width, height, frames, position + 1)
        if block == _GIF_PICTURE:
            left, top, wide, high, flags = struct.unpack_from("<HHHHB", data, position + 1)
            if left + wide > width or top + high > height:
                raise broken()
            frames += 1
            position += 11 + _palette(flags)
        elif block == _GIF_EXTENSION:
            position += 2
        else:
            raise broken()
        while size := data[position]:
            position += size + 1
            blocks += 1
            if blocks > MAX_BLOCKS:
                raise _tedious("blocks")
        position += 1
    raise _tedious("parts")


def _palette(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _webp(data: bytes) -> Picture:
    (size,) = struct.unpack_from("<I", data, 4)
    end = size + 8
    if end > len(data):
        raise broken()
    sizes: list[tuple[int, int]] = []
    stills = animated = 0
    for number, (name, start, length) in enumerate(_webp_chunks(data, 12, end)):
        if name == b"VP8X":
            # Behind a picture it is nothing to those that decode, who go by what comes first.
            if number:
                raise broken()
            sizes.append(_webp_place(data, start + 4))
        elif name in _WEBP_PICTURES:
            sizes.append(_WEBP_PICTURES[name](data, start))
            stills += 1
        elif name == b"ANMF":
            sizes += _webp_frame(data, start, start + length)
            animated += 1
    width, height = (max(side) for side in zip((0, 0), *sizes, strict=True))
    return Picture(width, height, stills + animated, end)


def _webp_chunks(
    data: bytes, position: int, end: int, *, most: int = MAX_PARTS
) -> Iterator[tuple[bytes, int, int]]:
    """Name, beginning and length of each chunk; they fill all up to `end`."""
    for _ in range(most):
        if position >= end:
            break
        name, length = struct.unpack_from("<4sI", data, position)
        yield name, position + 8, length
        position += 8 + length + length % 2
    else:
        raise _tedious("chunks")
    if position != end:
        raise broken()


def _webp_place(data: bytes, position: int) -> tuple[int, int]:
    return (
        1 + int.from_bytes(data[position : position + 3], "little"),
        1 + int.from_bytes(data[position + 3 : position + 6], "little"),
    )


def _webp_frame(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The sizes that one frame of an animation says that it has, and that its picture has."""
    yield _webp_place(data, start + 6)
    for name, at, _ in _webp_chunks(data, start + 16, end + end % 2, most=MAX_FRAME_PARTS):
        if name in _WEBP_PICTURES:
            yield _WEBP_PICTURES[name](data, at)


def _webp_lossy(data: bytes, start: int) -> tuple[int, int]:
    if data[start + 3 : start + 6] != b"\x9d\x01\x2a":
        raise broken()
    width, height = struct.unpack_from("<HH", data, start + 6)
    return width & 0x3FFF, height & 0x3FFF


def _webp_lossless(data: bytes, start: int) -> tuple[int, int]:
    signature, bits = struct.unpack_from("<BI", data, start)
    if signature != _LOSSLESS:
        raise broken()
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


_WEBP_PICTURES: Final[Mapping[bytes, Callable[[bytes, int], tuple[int, int]]]] = {
    b"VP8 ": _webp_lossy,
    b"VP8L": _webp_lossless,
}
_READERS: Final[Mapping[str, Callable[[bytes], Picture]]] = {
    "png": _png,
    "jpeg": _jpeg,
    "gif": _gif,
    "webp": _webp,
}
