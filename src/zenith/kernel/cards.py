"""Numbers of payment cards within text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_CARD: Final = re.compile(r"[2-6](?<![0-9].)[0-9]{3}(?:[ -]?[0-9]){9,15}(?![0-9])")
_ISSUERS: Final = re.compile(r"4|5[0-8]|6|3[0-9]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)")
"""What the numbers of payment cards begin with (ISO/IEC 7812): no date of this century."""
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
MAX_HALF: Final = 4


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
        if end is not None:
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
        plain = digits.replace(" ", "").replace("-", "")
        if len(plain) < MIN_CARD:
            return
        if _ISSUERS.match(plain) and _has_check_digit(plain):
            yield len(digits)
        digits = digits[: max(digits.rfind(" "), digits.rfind("-"), 0)]


def _has_check_digit(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = ord(digit) - ord("0")
        if place % 2:
            number = number * 2 - 9 * (number > MAX_HALF)
        total += number
    return total % 10 == 0
