"""Documents of office programs: what their parts may not hold, looked at as they unpack."""

from __future__ import annotations

import re
from typing import Final

from zenith.content.errors import UploadRefusedError

OVERLAP: Final = 256
"""Characters of a part that are looked at again with what follows them."""
CONTENT_TYPES: Final = "[content_types].xml"
EBCDIC: Final = b"\x4c\x6f\xa7\x94"
_BEFORE: Final = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*")
_DTD: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_ENCODING: Final = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([^\"']*)")
_READABLE: Final = re.compile(
    rb"utf-?8|utf-?16(?:le|be)?|us-ascii|ascii|iso-8859-1|windows-1252", re.IGNORECASE
)
_MACROS: Final = re.compile(rb"vbaproject|macroenabled|macrosheet", re.IGNORECASE)


class Parts:
    """Takes the parts of one document, chunk by chunk.

    Threat: a definition of a document's type, by which readers of XML fetch addresses and files, or
    grow a text without bound (ASVS 1.5.1); macros under a name that says nothing, which the list of
    types gives away (ASVS 5.2.2). Neither has a place in a document without macros (ECMA-376).
    Raises UploadRefusedError.
    """

    def __init__(self) -> None:
        self._name = ""
        self._tail = b""
        self._is_xml = False

    def __call__(self, name: str, chunk: bytes) -> None:
        """Look at the next chunk of the part `name`."""
        # Without the zeros of UTF-16 and UTF-32 its signs are those of ASCII.
        text = self._tail + chunk.replace(b"\0", b"")
        if name != self._name:
            text = self._begin(name, chunk)
        if not self._is_xml:
            return
        if _DTD.search(text):
            raise _refused("a document type definition", "DTD")
        if name.lower() == CONTENT_TYPES and (_MACROS.search(text) or b"&#" in text):
            raise _refused("macros", "macros")
        self._tail = text[-OVERLAP:]

    def _begin(self, name: str, chunk: bytes) -> bytes:
        plain = chunk.replace(b"\0", b"")
        start = _BEFORE.match(plain)
        text = plain if start is None else plain[start.end() :]
        self._name, self._tail, self._is_xml = name, b"", text.startswith(b"<")
        found = _ENCODING.match(text)
        is_strange = found is not None and _READABLE.fullmatch(found[1]) is None
        if is_strange or chunk.startswith(EBCDIC):
            raise _refused("a part in another encoding than Unicode", "encoding")
        return text


def _refused(what: str, reason: str) -> UploadRefusedError:
    return UploadRefusedError(f"The document holds {what}", reason=f"upload: {reason}")
