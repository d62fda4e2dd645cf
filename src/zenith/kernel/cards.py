"""Numbers of payment cards within text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_CARD: Final = re.compile(
    r"[2-6](?<![0-9].)(?<![0-9]\..)[0-9]{3}"  # no fraction: 0.4532015112830366
    r"(?:(?:[ +\u00a0\u2007\u2009\u202f\u2010-\u2015-]{1,3}+|%20)?[0-9]){9,15}(?!\.?[0-9])"
)
_BETWEEN: Final = re.compile(r"%20|[^0-9]")
_NAMED: Final = re.compile(r"(?i:trace|span|request|event)[_.-]?(?i:id)['\"]?\s?[=:]\s?['\"]?\Z")
"""Names of numbers that are no cards: ids of traces may be decimal."""
_ISSUERS: Final = re.compile(
    r"4[0-9]{12}(?:[0-9]{3}){0,2}|5[1-5][0-9]{14}|(?:5[0678]|6|3[0-35689])[0-9]+|3[47][0-9]{13}"
    r"|(?=[0-9]{16}\Z)2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)[0-9]+"
)
"""What the numbers of payment cards begin with (ISO/IEC 7812), and how long they are: no date of
this century.
"""
_ID: Final = re.compile(
    r"(?<![0-9A-Za-z])"
    r"(?:(?=[0-9]*[a-fA-F])(?:[0-9a-fA-F]{16}|[0-9a-fA-F]{24}|[0-9a-fA-F]{32,})"
    r"|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})"
    r"(?![0-9A-Za-z])"
)
"""Ids, of traces and spans, too, digests and UUIDs: some have digits enough for a card, and one in
ten of these the right check digit.
"""
AROUND: Final = 64
MIN_CARD: Final = 13
_DIGITS: Final = b"0123456789"
_ONCE: Final = bytes.maketrans(_DIGITS, bytes(range(10)))
_TWICE: Final = bytes.maketrans(_DIGITS, bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))


def without_cards(value: str, mark: str) -> str:
    """`value` with `mark` in place of each card number. They are told from other numbers by their
    check digit and their first digits. What is a part of an id stays: who is named in a log must
    be found there.
    """
    kept: list[str] = []
    done = at = 0
    while (match := _CARD.search(value, at)) is not None:
        start = match.start()
        at = start + 1
        ends = (start + length for length in _card_lengths(match[0]))
        end = next((end for end in ends if not _touches_id(value, start, end)), None)
        if end is not None and not _NAMED.search(value, max(0, start - AROUND), start):
            kept += [value[done:start], mark]
            done = at = end
    return "".join([*kept, value[done:]])


def _touches_id(value: str, start: int, end: int) -> bool:
    # Not in all of it: a text full of cards would be looked through for each of them.
    first = max(0, start - AROUND)
    around = value[first : end + AROUND]
    return any(
        each.start() < end - first and start - first < each.end() for each in _ID.finditer(around)
    )


def _card_lengths(digits: str) -> Iterator[int]:
    """Characters of the card numbers with which `digits` may begin, the longest first. A number may
    be followed by others, such as a date.
    """
    while True:
        plain = _BETWEEN.sub("", digits)
        if len(plain) < MIN_CARD:
            return
        if _ISSUERS.fullmatch(plain) and _has_check_digit(plain):
            yield len(digits)
        breaks = [each.start() for each in _BETWEEN.finditer(digits)]
        digits = digits[: breaks[-1]] if breaks else ""


def _has_check_digit(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B."""
    raw = digits.encode("ascii")
    return (sum(raw[-1::-2].translate(_ONCE)) + sum(raw[-2::-2].translate(_TWICE))) % 10 == 0
