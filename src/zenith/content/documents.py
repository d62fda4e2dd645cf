"""Documents of office programs: what their parts may not hold, looked at as they unpack."""

from __future__ import annotations

import html
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
RELATIONS: Final = ".rels"
LONGEST_RELATION: Final = 64 * 1024
"""Bytes of one relation."""
LOADED: Final = frozenset(
    {
        *("afchunk", "attachedtemplate", "control", "frame", "mailmergeheadersource"),
        *("mailmergesource", "oleobject", "package", "subdocument"),
    }
)
"""Kinds of relations whose target an office program reads as a document or a program when it opens
this one. Links and pictures are none, nor are other workbooks, before which it asks."""
_RELATION: Final = re.compile(
    rb"<(?:[^\s<>/\"'=:]+:)?Relationship((?:\s+[^\s=<>\"'/]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))*)\s*/?>"
)
_ATTRIBUTE: Final = re.compile(rb"([^\s=<>\"'/]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_HERE: Final = re.compile(r"(?:file:/{0,3})?[a-z]:[\\/][^\\/].*|[^:\\/][^:]*", re.IGNORECASE)
"""A file of the same machine: a letter of a drive and a path, or a path from here."""
_MACROS: Final = re.compile(rb"vbaproject|macroenabled|macrosheet", re.IGNORECASE)


class Parts:
    """Takes the parts of one document, chunk by chunk.

    Threat: a definition of a document's type, by which readers of XML fetch addresses and files, or
    grow a text without bound (ASVS 1.5.1); macros under a name that says nothing, which the list of
    types gives away (ASVS 5.2.2): neither has a place in a document without macros (ECMA-376). A
    template or an object that is fetched from elsewhere when the document is opened, with macros in
    it, or to learn the hash of the reader's password. Raises UploadRefusedError.
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
        if name.lower().endswith(RELATIONS):
            self._look_for_relations(text, is_plain=b"\0" not in chunk)
            return
        if _DTD.search(text):
            raise _refused("a document type definition", "DTD")
        if name.lower() == CONTENT_TYPES and (_MACROS.search(text) or b"&#" in text):
            raise _refused("macros", "macros")
        self._tail = text[-OVERLAP:]

    def _look_for_relations(self, text: bytes, *, is_plain: bool) -> None:
        if not is_plain:
            # Without its zeros it would have signs that are none.
            raise _refused("a part in another encoding than Unicode", "encoding")
        if _DTD.search(text):
            raise _refused("a document type definition", "DTD")
        for found in _RELATION.finditer(text):
            if _loads_from_elsewhere(found[1]):
                raise _refused("a part that lies elsewhere", "fetched from elsewhere")
        # A relation that is cut in two is looked at again as a whole.
        self._tail = text[max(text.rfind(b"<"), 0) :]
        if len(self._tail) > LONGEST_RELATION:
            raise _refused("a part that cannot be read", "relation too long")

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


def _loads_from_elsewhere(attributes: bytes) -> bool:
    given = {
        name.rpartition(b":")[2].decode("latin-1").lower(): html.unescape(
            (double or single).decode("latin-1")
        ).strip()
        for name, double, single in _ATTRIBUTE.findall(attributes)
    }
    kind = given.get("type", "").rpartition("/")[2].lower()
    is_elsewhere = given.get("targetmode", "").lower() == "external"
    return is_elsewhere and kind in LOADED and _HERE.fullmatch(given.get("target", "")) is None


def _refused(what: str, reason: str) -> UploadRefusedError:
    return UploadRefusedError(f"The document holds {what}", reason=f"upload: {reason}")
