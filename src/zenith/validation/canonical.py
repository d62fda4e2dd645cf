"""One form for each value, reached once and before anything is compared.

Threat: two spellings of one name (`Admin` and `admin`, full-width and plain letters, a Cyrillic `a`
among Latin ones) that one check takes for different and the next reader for the same (ASVS 1.1.1,
2.2.1; Unicode TR36, TS39).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from zenith.kernel.normal_forms import normalized

MAX_ROUNDS: Final = 4
_COMMON: Final = "COMMON"
_JOINERS: Final = "\u200c\u200d"
_UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef\ue000-\uf8ff]"
)
"""What is a letter, a mark or a sign by its category, and a blank or nothing to the eye."""
_VARIANT: Final = re.compile(
    "([\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])[\ufe00-\ufe02\U000e0100-\U000e01ef]"
    "|([\u1820-\u18aa])[\u180b-\u180d\u180f]"
)
"""Ideographs and Mongolian letters, of which a selector after them chooses a form."""
_TOGETHER: Final = (
    frozenset({"CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"CJK", "BOPOMOFO"}),
    frozenset({"CJK", "HANGUL"}),
)
"""Scripts that are written together (Unicode TS39 section 5.2), as their characters are named."""
_LOOK_LIKE: Final = {
    "a": "\u0430\u0251\u03b1",
    "b": "\u044c",
    "c": "\u0441\u03f2",
    "d": "\u0501",
    "e": "\u04353",
    "g": "\u0581",
    "h": "\u04bb\u0570",
    "i": "\u0456\u03b9",
    "j": "\u0458",
    "k": "\u03ba",
    "l": "\u04cf\u217c1|!",
    "n": "\u0578",
    "o": "\u043e\u03bf\u05850",
    "p": "\u0440\u03c1",
    "q": "\u051b",
    "s": "\u0455$",
    "t": "\u03c4",
    "u": "\u03c5\u057d",
    "v": "\u03bd",
    "w": "\u051d",
    "x": "\u0445",
    "y": "\u0443",
}
"""Small Cyrillic, Greek, Armenian and other letters, and digits, by the small Latin letter that
they are drawn like; a part of TS39's table.
"""
_LATIN: Final = str.maketrans(
    {each: letter for letter, others in _LOOK_LIKE.items() for each in others}
)


def nfc(text: str) -> str:
    """Composed (NFC), blanks made one space and removed at the ends. For what people read."""
    return " ".join(normalized("NFC", text).split())


def folded(text: str) -> str:
    """Compatibility forms and capitals folded (NFKC, full case folding), until nothing changes. For
    what is compared: usernames, slugs, addresses. Raises ValueError for text without such a form.
    """
    text = text.strip()
    for _ in range(MAX_ROUNDS):
        once = normalized("NFKC", normalized("NFKC", text).casefold()).strip()
        if once == text:
            return text
        text = once
    raise ValueError("has no canonical form")


def is_clean(text: str) -> bool:
    """Whether `text` has nothing in it that is not seen: no control, format, bidirectional,
    zero-width or private character, no filler, no selector of variants, no lone surrogate, no line
    end.
    """
    return text.isprintable() and (text.isascii() or _UNSEEN.search(text) is None)


def without_joiners(text: str) -> str:
    """`text` without the invisible characters that some scripts are written with (U+200C, U+200D,
    selectors of variants), where they stand beside letters of such a script.
    """
    text = _VARIANT.sub(r"\1\2", text)
    return "".join(
        each
        for place, each in enumerate(text)
        if each not in _JOINERS
        or not (_joins(text[place - 1 : place]) and _joins(text[place + 1 : place + 2]))
    )


def _joins(text: str) -> bool:
    return text != "" and not text.isascii() and unicodedata.category(text)[0] in "LM"


def scripts(text: str) -> frozenset[str]:
    """The scripts of the letters and marks in `text`; digits and signs belong to all."""
    return frozenset(map(_script, text)) - {_COMMON}


def is_one_script(text: str) -> bool:
    """Whether `text` mixes no scripts, but for those that are written together."""
    found = scripts(text)
    return len(found) <= 1 or any(found <= together for together in _TOGETHER)


def skeleton(text: str) -> str:
    """What `text` looks like: equal for names that are easily taken for each other, such as
    `paypal`, `PayPa1` and one in Cyrillic letters. For a unique column beside the name's own.
    """
    return folded(text).translate(_LATIN).replace("rn", "m").replace("vv", "w")


@lru_cache(maxsize=4096)
def _script(character: str) -> str:
    if unicodedata.category(character)[0] not in "LM":
        return _COMMON
    first = unicodedata.name(character, "UNKNOWN").split(maxsplit=1)[0]
    return _COMMON if first == "KATAKANA-HIRAGANA" else first
