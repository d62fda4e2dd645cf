"""Names of files: those that are stored, made here; those that are shown, from their senders."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from zenith.content.characters import HIDDEN
from zenith.content.file_types import FileType

LONGEST: Final = 100
MAX_BYTES: Final = 200
"""Of a name without its ending: file systems take 255 in all."""
UNNAMED: Final = "file"
_FOLDERS: Final = re.compile(r"[/\\]")
_STRANGE: Final = re.compile(r'[:*?"<>|%;\s\x00-\x1f]+')
_DEVICES: Final = re.compile(
    r"(?:con(?:in\$|out\$)?|prn|aux|nul|clock\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|\Z)", re.IGNORECASE
)


def extension_of(name: str) -> str:
    """What follows the last dot, in lower case; empty where there is none."""
    return name.rpartition(".")[2].lower() if "." in name else ""


def shown_name(name: str, kind: FileType) -> str:
    """The name under which a file is shown and saved, made from that of its sender.

    Threat: paths, names of devices, hidden files, a second extension, characters that end a header
    or show the name in another order (ASVS 5.3.2, 5.4.1). Never a path to read or write: files are
    stored under names that are made here.
    """
    own = _FOLDERS.split(unicodedata.normalize("NFC", name[-10 * LONGEST :]))[-1]
    extension = extension_of(own)
    stem = own[: -len(extension) - 1] if extension else own
    if extension not in kind.extensions:
        stem, extension = own, kind.extensions[0]
    stem = _STRANGE.sub(" ", HIDDEN.sub("", stem)).replace(".", "_").strip(" _-~")[:LONGEST].strip()
    stem = stem.encode("utf-8", "ignore")[:MAX_BYTES].decode("utf-8", "ignore")
    if not stem or _DEVICES.match(stem):
        stem = f"{UNNAMED} {stem}".strip()
    return f"{stem}.{extension}"
