"""Unicode's normal forms, in time that grows with the text and not with its square."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

NormalForm: TypeAlias = Literal["NFC", "NFD", "NFKC", "NFKD"]
FEW: Final = 64
"""Characters that need no look."""
_LONG_RUN: Final = re.compile(rb"[^\0]{32,}")
# Marks by what they stand for alone: as they are they hide that they are marks (UAX 15, table 8).
_DOUBLE: Final = {0x0F73: "\u0f71\u0f72", 0x0F75: "\u0f71\u0f74", 0x0F81: "\u0f71\u0f80"}
_MARKS: Final[Mapping[NormalForm, Mapping[int, str]]] = {
    "NFC": _DOUBLE,
    "NFD": _DOUBLE,
    "NFKC": {**_DOUBLE, 0xFF9E: "\u3099", 0xFF9F: "\u309a"},
    "NFKD": {**_DOUBLE, 0xFF9E: "\u3099", 0xFF9F: "\u309a"},
}


def normalized(form: NormalForm, text: str) -> str:
    """`text` in a normal form, as `unicodedata.normalize` gives it.

    Threat: the library sorts the marks of one letter by exchanging neighbours. A letter with
    100,000 of them keeps the whole process busy for twenty seconds, and one with a mebibyte of them
    for minutes (ASVS 2.4.1). Here long runs are in order before.
    """
    if len(text) > FEW and not text.isascii():
        text = _ordered(text.translate(_MARKS[form]))
    return unicodedata.normalize(form, text)


def _ordered(text: str) -> str:
    """Marks in canonical order where there are many; such texts mean the same (UAX 15, D108)."""
    classes = bytes(map(unicodedata.combining, text))
    pieces: list[str] = []
    at = 0
    for run in _LONG_RUN.finditer(classes):
        pieces.append(text[at : run.start()])
        pieces += sorted(text[run.start() : run.end()], key=unicodedata.combining)
        at = run.end()
    return "".join((*pieces, text[at:])) if pieces else text
