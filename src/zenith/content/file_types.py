"""Types of files, told by their content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from zenith.content.images import PNG
from zenith.kernel.records import dataclass

SIGNATURES: Final[Mapping[str, re.Pattern[bytes]]] = {
    "png": re.compile(re.escape(PNG)),
    "jpeg": re.compile(rb"\xff\xd8\xff[\xc0-\xfe]"),
    "gif": re.compile(rb"GIF8[79]a"),
    "webp": re.compile(rb"RIFF....WEBPVP8[ LX]", re.DOTALL),
    "pdf": re.compile(rb"%PDF-[12]\.[0-9]"),
    "zip": re.compile(rb"PK(?:\x03\x04|\x05\x06)"),
}
"""How the content begins."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileType:
    """A type of files that are taken."""

    name: str
    media_type: str
    """Sent with the file, whatever its sender said."""
    extensions: tuple[str, ...]
    """How its names end; the first is used for names that are made here."""
    signature: str
    """Its key in SIGNATURES; empty for text."""
    part: str = ""
    """A file that an archive of this type holds."""


FILE_TYPES: Final[Mapping[str, FileType]] = {
    each.name: each
    for each in (
        FileType(name="png", media_type="image/png", extensions=("png",), signature="png"),
        FileType(
            name="jpeg",
            media_type="image/jpeg",
            extensions=("jpg", "jpeg", "jpe", "jfif"),
            signature="jpeg",
        ),
        FileType(name="gif", media_type="image/gif", extensions=("gif",), signature="gif"),
        FileType(name="webp", media_type="image/webp", extensions=("webp",), signature="webp"),
        FileType(name="pdf", media_type="application/pdf", extensions=("pdf",), signature="pdf"),
        FileType(name="zip", media_type="application/zip", extensions=("zip",), signature="zip"),
        FileType(
            name="docx",
            media_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            extensions=("docx",),
            signature="zip",
            part="word/document.xml",
        ),
        FileType(
            name="xlsx",
            media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            extensions=("xlsx",),
            signature="zip",
            part="xl/workbook.xml",
        ),
        FileType(
            name="pptx",
            media_type="application/vnd.openxmlformats-officedocument.presentationml.presentation",
            extensions=("pptx",),
            signature="zip",
            part="ppt/presentation.xml",
        ),
        FileType(
            name="text",
            media_type="text/plain; charset=utf-8",
            extensions=("txt", "text", "log", "md"),
            signature="",
        ),
        FileType(
            name="csv", media_type="text/csv; charset=utf-8", extensions=("csv",), signature=""
        ),
    )
}


def signature_of(data: bytes) -> str:
    """The key of the signature with which `data` begins; empty where there is none."""
    return next((name for name, start in SIGNATURES.items() if start.match(data)), "")
