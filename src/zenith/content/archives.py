"""ZIP archives: what they hold and how much, before anybody unpacks them."""

from __future__ import annotations

import io
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from zenith.content.characters import HIDDEN
from zenith.content.errors import UploadRefusedError
from zenith.content.settings import ArchiveLimits

END: Final = b"PK\x05\x06"
LARGE_END: Final = b"PK\x06\x07"
LOCAL: Final = b"PK\x03\x04"
ENTRY: Final = b"PK\x01\x02"
END_SIZE: Final = 22
TAIL: Final = 65_535 + END_SIZE
"""Bytes in which the end of an archive stands, before its comment."""
MAX_ENDS: Final = 64
"""What looks like an end so often, in so few bytes, is made to be looked at for long."""
ENTRY_SIZE: Final = 46
EXTRA: Final = 512
"""Bytes that an entry of the directory may have beside its name."""
CHUNK: Final = 64 * 1024
LOCAL_SIZE: Final = 30
LARGE_END_SIZE: Final = 20
DESCRIPTOR: Final = 24
"""Bytes that may follow a file whose sizes were not known when it began."""
ENCRYPTED, DESCRIBED = 0x1, 0x8
UNKNOWN: Final = frozenset({(0, 0), (0xFFFF_FFFF, 0xFFFF_FFFF)})
"""What a file says of its sizes where they follow it."""
UNICODE_PATH: Final = 0x7075
EXTRA_HEAD, PATH_HEAD = 4, 5
METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_NESTED: Final = re.compile(
    r"\.(?:zip|jar|war|apk|docx|docm|xlsx|xlsm|pptx|odt|ods|odp|epub|7z|rar|gz|tgz|bz2|tbz|xz|zst"
    r"|tar|lz|lzma|cab|iso|dmg|arj)\Z",
    re.IGNORECASE,
)
_PACKED: Final = (
    b"PK\x03\x04", b"PK\x05\x06", b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh",
    b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"MSCF",
)  # fmt: skip
_BROKEN: Final = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, ValueError
)  # fmt: skip
_STRANGE: Final = re.compile(r'[\\:*?"<>|]')
Look: TypeAlias = Callable[[str, bytes], None]


def read_archive(
    data: bytes, limits: ArchiveLimits, *, look: Look | None = None
) -> tuple[str, ...]:
    """The paths of the files in a ZIP archive that holds no more than `limits`.

    Threat: archives that unpack to what no disk holds, by ratio, by number, by overlapping or
    within each other; paths that lead out of the folder, links, and names that some programs read
    otherwise (ASVS 5.2.3, 5.2.5, 5.3.3). What the archive says of itself is checked first; then
    each file is unpacked once, chunk by chunk and kept nowhere, to see that it is true; `look` is
    called with its path and each chunk. Raises
    UploadRefusedError; for encrypted archives, ones with other methods than deflate, and ones with
    anything before, between or behind, too.
    """
    directory = _check_frame(data, limits)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_claims(entries, limits)
            _check_layout(entries, data, directory, limits)
            left = limits.max_unpacked
            for entry in entries:
                left -= _unpack(archive, entry, data, left, look)
    except _BROKEN as error:
        raise _refused("damaged", type(error).__name__) from None
    return tuple(entry.filename for entry in entries if not entry.is_dir())


def _refused(what: str, reason: str = "") -> UploadRefusedError:
    return UploadRefusedError(f"The archive is {what}", reason=f"archive: {reason or what}")


def _check_frame(data: bytes, limits: ArchiveLimits) -> int:
    """Where the directory begins: it is as large as it may be, and lies before the end."""
    position = data.rfind(END)
    if position < 0 or not data.startswith((LOCAL, END)) or len(data) < position + END_SIZE:
        raise _refused("damaged", "no frame")
    disk, first, here, entries, size, offset, comment = struct.unpack_from(
        "<HHHHIIH", data, position + 4
    )
    if position + END_SIZE + comment != len(data) or offset + size != position:
        raise _refused("damaged", "data around it")
    if disk or first or here != entries:
        raise _refused("damaged", "several parts")
    # A second end for archives beyond 4 GiB, which some programs believe and others do not.
    if data[max(0, position - LARGE_END_SIZE) : position].startswith(LARGE_END):
        raise _refused("damaged", "two ends")
    if entries > limits.max_entries:
        raise _refused("of too many files", "entries")
    if size > entries * (ENTRY_SIZE + EXTRA + 4 * limits.max_name):
        raise _refused("damaged", "directory larger than its entries")
    return int(offset)


def _check_claims(entries: Sequence[zipfile.ZipInfo], limits: ArchiveLimits) -> None:
    if len(entries) > limits.max_entries:
        raise _refused("of too many files", "entries")
    names: set[str] = set()
    total = 0
    for entry in entries:
        _check_entry(entry, limits)
        names.add(unicodedata.normalize("NFKC", entry.filename.rstrip("/")).casefold())
        total += entry.file_size
    if len(names) != len(entries):
        raise _refused("damaged", "one name twice")
    if total > limits.max_unpacked:
        raise _refused("too large unpacked", "declared size")


def _check_layout(
    entries: Sequence[zipfile.ZipInfo], data: bytes, directory: int, limits: ArchiveLimits
) -> None:
    """File follows file, and each says of itself what the directory says of it: programs that read
    from the front see the same as those that read from the end.
    """
    end = slack = 0
    for entry in sorted(entries, key=lambda each: each.header_offset):
        _check_gap(entry.header_offset - end, slack)
        mark, flags, method, packed, size, name, extra = struct.unpack_from(
            "<4s2xHH8xIIHH", data, entry.header_offset
        )
        described = flags & DESCRIBED
        differs = (flags ^ entry.flag_bits) & (ENCRYPTED | DESCRIBED)
        if mark != LOCAL or method != entry.compress_type or differs:
            raise _refused("damaged", "file and directory differ")
        sizes = (entry.compress_size, entry.file_size)
        if (packed, size) != sizes and not (described and (packed, size) in UNKNOWN):
            raise _refused("damaged", "file and directory differ")
        start = entry.header_offset + LOCAL_SIZE + name
        if not all(
            _is_path(each, limits.max_name) for each in _other_names(data[start : start + extra])
        ):
            raise _refused("unsafe", "path")
        end = start + extra + entry.compress_size
        slack = DESCRIPTOR if described else 0
    _check_gap(directory - end, slack)


def _check_gap(gap: int, slack: int) -> None:
    if gap < 0:
        raise _refused("damaged", "files overlap")
    if gap > slack:
        raise _refused("damaged", "data between files")


def _check_entry(entry: zipfile.ZipInfo, limits: ArchiveLimits) -> None:
    name = entry.filename
    if entry.orig_filename != name or not all(
        _is_path(each, limits.max_name) for each in (name, *_other_names(entry.extra))
    ):
        raise _refused("unsafe", "path")
    mode = entry.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refused("unsafe", "link or device")
    if entry.flag_bits & ENCRYPTED:
        raise _refused("encrypted")
    if entry.compress_type not in METHODS:
        raise _refused("packed in a way that is not taken", "method")
    if entry.file_size > CHUNK + entry.compress_size * limits.max_ratio:
        raise _refused("packed too tight", "ratio")
    if _NESTED.search(name):
        raise _refused("of archives", "nested by name")


def _is_path(name: str, longest: int) -> bool:
    parts = name.rstrip("/").split("/")
    # As programs of other code pages read it: full-width dots and slashes are plain ones there.
    plain = unicodedata.normalize("NFKC", name).split("/")
    return (
        len(name) <= longest
        and not {".", ".."}.intersection(plain)
        and not _STRANGE.search(name)
        and not HIDDEN.search(name)
        and not any(part in {"", ".", ".."} or part.endswith((" ", ".")) for part in parts)
    )


def _other_names(extra: bytes) -> Iterator[str]:
    """Names that some programs prefer to the one in the directory."""
    while len(extra) >= EXTRA_HEAD:
        kind, size = struct.unpack_from("<HH", extra)
        if kind == UNICODE_PATH:
            yield extra[EXTRA_HEAD + PATH_HEAD : EXTRA_HEAD + size].decode("utf-8")
        extra = extra[EXTRA_HEAD + size :]


def _unpack(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, data: bytes, left: int, look: Look | None
) -> int:
    """Not by the library, which stops at the size that is declared: others unpack what there is."""
    archive.open(entry).close()  # the file's own name is the directory's
    name, extra = struct.unpack_from("<HH", data, entry.header_offset + LOCAL_SIZE - 4)
    start = entry.header_offset + LOCAL_SIZE + name + extra
    packed = memoryview(data)[start : start + entry.compress_size]
    size = check = 0
    tail = b""
    for chunk in _unpacked(packed, entry.compress_type):
        if not size and chunk.startswith(_PACKED):
            raise _refused("of archives", "nested by content")
        if look is not None:
            look(entry.filename, chunk)
        size += len(chunk)
        check = zlib.crc32(chunk, check)
        tail = (tail + chunk)[-TAIL:]
        if size > left:
            raise _refused("too large unpacked", "true size")
        if size > entry.file_size:
            break
    if size != entry.file_size:
        raise _refused("damaged", "size is another than declared")
    if check != entry.CRC:
        raise _refused("damaged", "check sum")
    if _ends_in_archive(tail, size - len(tail)):
        raise _refused("of archives", "nested behind other content")
    return size


def _ends_in_archive(tail: bytes, before: int) -> bool:
    """Whether readers, who begin at the end, find a directory of files, whatever stands before it.
    `before` are the bytes before `tail`.
    """
    if tail.count(END) > MAX_ENDS:
        return True
    found = tail.rfind(END)
    while found >= 0:
        if len(tail) - found >= END_SIZE:
            entries, size = struct.unpack_from("<HI", tail, found + 10)
            start = found - size
            # A directory that begins before the tail is not looked for.
            is_there = tail.startswith(ENTRY, start) if start >= 0 else start + before >= 0
            if entries and is_there:
                return True
        found = tail.rfind(END, 0, found)
    return False


def _unpacked(packed: memoryview, method: int) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    for start in range(0, len(packed), CHUNK):
        rest = bytes(packed[start : start + CHUNK])
        if method == zipfile.ZIP_STORED:
            yield rest
            continue
        while rest and not unpacker.eof:
            if chunk := unpacker.decompress(rest, CHUNK):
                yield chunk
            rest = unpacker.unconsumed_tail
        if rest or unpacker.unused_data:
            raise _refused("damaged", "data behind a file")
    while method != zipfile.ZIP_STORED and not unpacker.eof:
        chunk = unpacker.decompress(b"", CHUNK)
        if not chunk:
            raise _refused("damaged", "a file has no end")
        yield chunk
