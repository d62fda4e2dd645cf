"""ZIP archives: what they hold and how much, before anybody unpacks them."""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import Final

from zenith.content.characters import HIDDEN
from zenith.content.errors import UploadRefusedError
from zenith.content.settings import ArchiveLimits

END: Final = b"PK\x05\x06"
END_SIZE: Final = 22
ENTRY_SIZE: Final = 46
EXTRA: Final = 512
"""Bytes that an entry of the directory may have beside its name."""
CHUNK: Final = 64 * 1024
LOCAL_SIZE: Final = 30
ENCRYPTED: Final = 0x1
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
_STRANGE: Final = re.compile(r'[\\:*?"<>|]')


def read_archive(data: bytes, limits: ArchiveLimits) -> tuple[str, ...]:
    """The paths of the files in a ZIP archive that holds no more than `limits`.

    Threat: archives that unpack to what no disk holds, by ratio, by number, by overlapping or
    within each other; paths that lead out of the folder, links, and names that some programs read
    otherwise (ASVS 5.2.3, 5.2.5, 5.3.3). What the archive says of itself is checked first; then
    each file is unpacked once, chunk by chunk and kept nowhere, to see that it is true. Raises
    UploadRefusedError; for encrypted archives, ones with other methods than deflate, and ones with
    anything before, between or behind, too.
    """
    _check_frame(data, limits)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_claims(entries, data, limits)
            left = limits.max_unpacked
            for entry in entries:
                left -= _unpack(archive, entry, left)
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError) as error:
        raise _refused("damaged", type(error).__name__) from None
    return tuple(entry.filename for entry in entries if not entry.is_dir())


def _refused(what: str, reason: str = "") -> UploadRefusedError:
    return UploadRefusedError(f"The archive is {what}", reason=f"archive: {reason or what}")


def _check_frame(data: bytes, limits: ArchiveLimits) -> None:
    """The directory is as large as it may be, and lies right before the end of the file."""
    position = data.rfind(END)
    if position < 0 or not data.startswith((b"PK\x03\x04", END)) or len(data) < position + END_SIZE:
        raise _refused("damaged", "no frame")
    disk, first, here, entries, size, offset, comment = struct.unpack_from(
        "<HHHHIIH", data, position + 4
    )
    if position + END_SIZE + comment != len(data) or offset + size != position:
        raise _refused("damaged", "data around it")
    if disk or first or here != entries:
        raise _refused("damaged", "several parts")
    if entries > limits.max_entries:
        raise _refused("of too many files", "entries")
    if size > entries * (ENTRY_SIZE + EXTRA + 4 * limits.max_name):
        raise _refused("damaged", "directory larger than its entries")


def _check_claims(entries: Sequence[zipfile.ZipInfo], data: bytes, limits: ArchiveLimits) -> None:
    if len(entries) > limits.max_entries:
        raise _refused("of too many files", "entries")
    names: set[str] = set()
    total = 0
    for entry in entries:
        _check_entry(entry, limits)
        names.add(entry.filename.rstrip("/").casefold())
        total += entry.file_size
    if len(names) != len(entries):
        raise _refused("damaged", "one name twice")
    if total > limits.max_unpacked:
        raise _refused("too large unpacked", "declared size")
    end = 0
    for entry in sorted(entries, key=lambda each: each.header_offset):
        if entry.header_offset < end:
            raise _refused("damaged", "files overlap")
        name, extra = struct.unpack_from("<HH", data, entry.header_offset + 26)
        end = entry.header_offset + LOCAL_SIZE + name + extra + entry.compress_size


def _check_entry(entry: zipfile.ZipInfo, limits: ArchiveLimits) -> None:
    name = entry.filename
    parts = name.rstrip("/").split("/")
    if (
        len(name) > limits.max_name
        or entry.orig_filename != name
        or _STRANGE.search(name)
        or HIDDEN.search(name)
        or any(part in {"", ".", ".."} or part.endswith((" ", ".")) for part in parts)
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


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> int:
    size = 0
    with archive.open(entry) as file:
        while chunk := file.read(CHUNK):
            if not size and chunk.startswith(_PACKED):
                raise _refused("of archives", "nested by content")
            size += len(chunk)
            if size > left:
                raise _refused("too large unpacked", "true size")
    if size != entry.file_size:
        raise _refused("damaged", "size is another than declared")
    return size
