"""Files that others send: examined before anything is done with them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Final

from zenith.content.archives import END, END_SIZE, read_archive
from zenith.content.documents import Parts
from zenith.content.errors import UploadRefusedError, UploadTypeError
from zenith.content.file_names import extension_of, shown_name
from zenith.content.file_types import FILE_TYPES, FileType, signature_of
from zenith.content.images import broken, read_picture
from zenith.content.settings import UploadSettings
from zenith.kernel.errors import PayloadTooLargeError
from zenith.kernel.records import dataclass

CHUNK: Final = 64 * 1024
PICTURES: Final = frozenset({"png", "jpeg", "gif", "webp"})
HEAD: Final = 1024
"""Where readers of PDF look for its beginning, at the front and at the end."""
LONGEST_COMMENT: Final = 65_535
_MARKUP: Final = re.compile(
    rb"<(?:script[\s/>]|!doctype\s|html[\s>]|iframe[\s/>]|\?php\s|body\s+on|svg\s+(?:xmlns|on))",
    re.IGNORECASE,
)
_NO_TEXT: Final = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_MARKUP_TEXT: Final = re.compile(
    rb"\s*<(?:!doctype|html|head|body|script|svg|\?xml|\?php|!--)", re.IGNORECASE
)
_MACROS: Final = re.compile(r"(?:\A|/)vbaProject[^/]*\.bin\Z", re.IGNORECASE)
CONTENT_TYPES: Final = "[Content_Types].xml"


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedFile:
    """A file that was examined."""

    data: bytes
    kind: FileType
    name: str
    """Safe to show and to offer as a name; never a path."""
    sha256: str
    width: int | None = None
    """Of an image, in pixels."""
    height: int | None = None
    entries: tuple[str, ...] = ()
    """Paths within an archive."""

    def __repr__(self) -> str:
        return f"<CheckedFile {self.kind.name} {len(self.data)} bytes>"


async def read_limited(read: Callable[[int], Awaitable[bytes]], *, limit: int) -> bytes:
    """Everything that `read(size)` gives, at most `limit` bytes.

    Threat: a file that fills the memory although its length was announced otherwise (ASVS 5.2.1).
    Raises PayloadTooLargeError as soon as there is more.
    """
    chunks: list[bytes] = []
    left = limit
    while chunk := await read(min(CHUNK, left + 1)):
        left -= len(chunk)
        if left < 0:
            raise PayloadTooLargeError(reason="file larger than allowed")
        chunks.append(chunk)
    return b"".join(chunks)


def check_file(data: bytes, name: str, settings: UploadSettings) -> CheckedFile:
    """Examine a file whose sender calls it `name`.

    Threat: programs and pages that are called images, files that are two things at once, images and
    archives that take all memory when they are opened (ASVS 5.2.1 to 5.2.6). The type is told by
    the content, and the ending of the name must be one of that type; what the sender says of the
    type is not looked at. Takes milliseconds, and for archives up to a second: call it in a thread.

    Raises PayloadTooLargeError, UploadTypeError, UploadRefusedError.
    """
    if len(data) > settings.max_size:
        raise PayloadTooLargeError(reason="file larger than allowed")
    kind = _kind(data, name, settings)
    width = height = None
    entries: tuple[str, ...] = ()
    if kind.name in PICTURES:
        width, height = _check_picture(data, kind.name, settings)
    elif kind.name == "pdf":
        _check_pdf(data)
    elif kind.signature == "zip":
        entries = read_archive(data, settings.archives, look=Parts() if kind.part else None)
        _check_parts(entries, kind)
    else:
        _check_text(data)
    return CheckedFile(
        data=data,
        kind=kind,
        name=shown_name(name, kind),
        sha256=hashlib.sha256(data).hexdigest(),
        width=width,
        height=height,
        entries=entries,
    )


def _kind(data: bytes, name: str, settings: UploadSettings) -> FileType:
    extension = extension_of(name)
    signature = signature_of(data)
    for each in settings.types:
        kind = FILE_TYPES[each]
        if kind.signature == signature and extension in kind.extensions:
            return kind
    raise UploadTypeError(
        f"Files of these types are taken: {', '.join(settings.types)}",
        reason=f"upload: content {signature or 'unknown'}, name ends otherwise or is not taken",
    )


def _check_picture(data: bytes, kind: str, settings: UploadSettings) -> tuple[int, int]:
    picture = read_picture(kind, data)
    if picture.width * picture.height * picture.frames > settings.max_pixels:
        raise UploadRefusedError("The image has too many pixels", reason="upload: pixels")
    # A padding of zeros is nothing.
    if not settings.allow_trailing_data and data[picture.end :].strip(b"\0"):
        raise UploadRefusedError("There is more behind the image", reason="upload: trailing data")
    if b"%PDF-" in data[:HEAD] or _has_archive(data) or _MARKUP.search(data):
        raise _ambiguous()
    return picture.width, picture.height


def _check_pdf(data: bytes) -> None:
    if b"%%EOF" not in data[-HEAD:]:
        raise broken()
    if _has_archive(data) or _MARKUP.search(data, 0, HEAD):
        raise _ambiguous()


def _has_archive(data: bytes) -> bool:
    """Whether readers of ZIP, who begin at the end, would find one."""
    tail = data[-(LONGEST_COMMENT + END_SIZE) :]
    found = tail.rfind(END)
    while found >= 0:
        if len(tail) - found >= END_SIZE:
            return True
        found = tail.rfind(END, 0, found)
    return False


def _check_parts(entries: tuple[str, ...], kind: FileType) -> None:
    if not kind.part:
        return
    if kind.part not in entries or CONTENT_TYPES not in entries:
        raise UploadTypeError(
            "The file is not of the type that its name says", reason="upload: parts are missing"
        )
    if any(_MACROS.search(entry) for entry in entries):
        raise UploadRefusedError("The document holds macros", reason="upload: macros")


def _check_text(data: bytes) -> None:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise broken() from None
    if _NO_TEXT.search(text):
        raise broken()
    if _MARKUP_TEXT.match(data.removeprefix(b"\xef\xbb\xbf")) or b"%PDF-" in data[:HEAD]:
        raise _ambiguous()


def _ambiguous() -> UploadRefusedError:
    return UploadRefusedError("The file is two things at once", reason="upload: polyglot")
