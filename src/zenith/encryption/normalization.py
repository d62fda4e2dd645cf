"""How texts are brought into one spelling before a blind index is made of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Final

from zenith.kernel.normal_forms import normalized


def _exact(text: str) -> str:
    return text


def _unicode(text: str) -> str:
    return normalized("NFC", text)


def _caseless(text: str) -> str:
    """Unicode's caseless matching (section 3.13, D145), without spaces around."""
    folded = normalized("NFD", text.strip()).casefold()
    return normalized("NFC", folded)


def _digits(text: str) -> str:
    """Numbers however they are grouped: `078-05-1120` is `078051120`."""
    return "".join(
        str(unicodedata.decimal(each)) for each in text if unicodedata.decimal(each, -1) >= 0
    )


def _alphanumeric(text: str) -> str:
    """Letters and digits in capitals: account numbers, passports."""
    capitals = normalized("NFKC", text).upper()
    return "".join(each for each in capitals if each.isalnum())


NORMALIZATIONS: Final[Mapping[str, Callable[[str], str]]] = {
    "exact": _exact,
    "unicode": _unicode,
    "caseless": _caseless,
    "digits": _digits,
    "alphanumeric": _alphanumeric,
}
"""By the name that stands in the index's key: another name makes another index."""
