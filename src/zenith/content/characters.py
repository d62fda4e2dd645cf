"""Characters that cannot be seen, or that change how others are seen."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_CONTROL: Final = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"
_DIRECTION: Final = r"\u202a-\u202e\u2066-\u2069"
# Zero-width spaces, soft hyphens, invisible operators, fillers that are letters by name only,
# marks of annotation, and the byte order mark.
_INVISIBLE: Final = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2060-\u2065"
    r"\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff"
)
# Halves of characters, and numbers that Unicode keeps free in every plane.
_NEVER: Final = r"\ud800-\udfff\ufdd0-\ufdef" + "".join(
    rf"\U{plane:04x}fffe\U{plane:04x}ffff" for plane in range(17)
)
_JOINER: Final = r"\u200c\u200d"
_SELECTOR: Final = r"\ufe00-\ufe0f\U000e0100-\U000e01ef"
LINE_ENDS: Final = re.compile("\r\n?|[\x85\u2028\u2029]")
SURROGATE: Final = re.compile("[\ud800-\udfff]")
_FLAG: Final = r"\U0001f3f4[\U000e0020-\U000e007e]{1,6}\U000e007f"
_SUSPECT: Final = re.compile(
    f"(?P<flag>{_FLAG})|(?P<context>[{_JOINER}{_SELECTOR}])"
    f"|[{_CONTROL}{_DIRECTION}{_INVISIBLE}{_NEVER}]"
)
HIDDEN: Final = re.compile(f"[{_CONTROL}\x85{_DIRECTION}{_INVISIBLE}{_JOINER}{_SELECTOR}{_NEVER}]")
"""Every character that is never a part of a name, an address or a header."""
_JOINING: Final = (
    "ARABIC", "SYRIAC", "MANDAIC", "NKO", "MONGOLIAN", "DEVANAGARI", "BENGALI", "GURMUKHI",
    "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "KHMER", "MYANMAR",
    "TIBETAN", "BALINESE", "JAVANESE",
)  # fmt: skip
"""Scripts in which a joiner changes what is seen."""
_IDEOGRAPH: Final = "CJK UNIFIED"
_BASES: Final = "0123456789#*©®\u2139\u3030"
"""Signs that are no symbols, and that a selector shows as emoji."""
_SELECTORS_OF_EMOJI: Final = "\ufe0e\ufe0f"
_JOINERS: Final = "\u200c\u200d"


def has_hidden(text: str) -> bool:
    """Whether something of `text` cannot be seen or changes how the rest is seen."""
    if text.isascii() and text.isprintable():
        return False
    return any(not _belongs(text, found) for found in _SUSPECT.finditer(text))


def without_hidden(text: str) -> str:
    """`text` without it."""
    if text.isascii() and text.isprintable():
        return text
    return _SUSPECT.sub(lambda found: found[0] if _belongs(text, found) else "", text)


def _belongs(text: str, found: re.Match[str]) -> bool:
    """Flags are written with tags, families and Persian with joiners, emoji with selectors."""
    if found["flag"]:
        return True
    if not found["context"]:
        return False
    at = found.start()
    before = text[at - 1 : at]
    if found[0] in _SELECTORS_OF_EMOJI:
        return _takes_selector(before)
    if found[0] not in _JOINERS:
        return before != "" and unicodedata.name(before, "").startswith(_IDEOGRAPH)
    if not _joins(text[found.end() : found.end() + 1]):
        return False
    # A selector beside it must be one that belongs, or a second look would find the joiner alone.
    selected = before != "" and before in _SELECTORS_OF_EMOJI and at > 1
    return _takes_selector(text[at - 2]) if selected else _joins(before)


def _joins(char: str) -> bool:
    """Whether a joiner beside `char` changes what is seen; elsewhere it makes two names of one."""
    return char != "" and (_is_symbol(char) or unicodedata.name(char, "").startswith(_JOINING))


def _takes_selector(char: str) -> bool:
    return char != "" and (char in _BASES or _is_symbol(char))


def _is_symbol(char: str) -> bool:
    return not char.isascii() and unicodedata.category(char) in {"So", "Sm", "Sk", "Po"}
