"""How hard a password is to guess, in bits.

The usual formula, length times the bits of a character, takes `aaaaaaaaaaaa` and `Password123!`
for strong. Here a password is split into the cheapest row of pieces that a guesser would try:
words by their rank, repeats, runs such as `abc` or `321`, rows of the keyboard, dates; what is
left counts as random characters. So the figure is that of a random password for a random one, and
far less for the rest.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Iterator, Mapping
from typing import Final

from zenith.passwords.dictionary import MAX_WORD, MIN_WORD, Dictionary, packaged_words

MAX_CHARACTERS: Final = 40
"""Only so many characters are looked at, which bounds the work; the rest can but add bits."""
MIN_RUN: Final = 3
MAX_BLOCK: Final = 16

_ROWS: Final = tuple(
    row
    for forward in (
        "1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop",
        "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik", "qazwsxedcrfvtgbyhnujmik", "!@#$%^&*()",
    )
    for row in (forward, forward[::-1])
)  # fmt: skip
_ROW_BITS: Final = math.log2(len(_ROWS) * 10)
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_DAY, _MONTH, _GAP = r"(?:0[1-9]|[12]\d|3[01])", r"(?:0[1-9]|1[0-2])", r"[-./ ]?"
_DATE: Final = re.compile(
    f"(?:{_DAY}{_GAP}{_MONTH}|{_MONTH}{_GAP}{_DAY}){_GAP}(?:19|20)?\\d\\d"
    f"|(?:19|20)\\d\\d{_GAP}{_MONTH}{_GAP}{_DAY}"
)
_YEAR_BITS: Final = 7.0
_DATE_BITS: Final = 15.0
_LEET: Final = tuple(
    str.maketrans("@430$57!1" + last, "aaeosst" + ones)
    for last, ones in (("8", "iib"), ("8", "llb"))
)

Pieces = Iterator[tuple[int, float]]
"""For one start: where a piece ends, and its bits."""


def estimate_entropy(
    password: str,
    *,
    dictionary: Dictionary | None = None,
    extra: Mapping[str, float] | None = None,
) -> float:
    """Bits of guessing work, with words, names and known passwords taken into account.

    `dictionary` replaces the packaged one; `extra` adds folded words with their bits.
    """
    return _Estimate(password, dictionary or packaged_words(), extra or {}).bits()


def estimate_character_entropy(password: str) -> float:
    """Length times bits per character, less repeats, runs, keyboard rows and dates; no words.

    This is the measure of the `guide` policy. It is blind to words: use `estimate_entropy` to
    judge what people choose.
    """
    return _Estimate(password, None, {}).bits()


def _alphabet(text: str) -> int:
    size = 0
    for test, count in (
        (string.ascii_lowercase, 26),
        (string.ascii_uppercase, 26),
        (string.digits, 10),
        (string.punctuation + " ", 33),
    ):
        size += count if any(character in test for character in text) else 0
    return size + (100 if not text.isascii() else 0)


def _lower(text: str) -> str:
    """Lower case, one character for one, so that places stay where they are."""
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)


class _Estimate:
    def __init__(
        self, text: str, dictionary: Dictionary | None, extra: Mapping[str, float]
    ) -> None:
        self._text = text[:MAX_CHARACTERS]
        self._low = _lower(self._text)
        self._variants = tuple(dict.fromkeys(self._low.translate(table) for table in _LEET))
        self._dictionary = dictionary
        self._extra = extra
        self._character_bits = math.log2(max(2, _alphabet(self._text)))
        self._blocks: dict[str, float] = {}

    def bits(self) -> float:
        return self._cheapest(0, len(self._text), with_repeats=True)

    def _cheapest(self, start: int, end: int, *, with_repeats: bool) -> float:
        """The least bits of any way to split the text from `start` to `end`."""
        best = [math.inf] * (end - start + 1)
        best[0] = 0.0
        for at in range(start, end):
            so_far = best[at - start]
            for stop, bits in self._pieces(at, with_repeats=with_repeats):
                if stop <= end and so_far + bits < best[stop - start]:
                    best[stop - start] = so_far + bits
        return best[-1]

    def _pieces(self, at: int, *, with_repeats: bool) -> Pieces:
        yield at + 1, self._character_bits
        yield from self._runs(at)
        yield from self._rows(at)
        yield from self._dates(at)
        yield from self._words(at)
        if with_repeats:
            yield from self._repeats(at)

    def _runs(self, at: int) -> Pieces:
        codes = self._low
        if at + 1 >= len(codes):
            return
        step = ord(codes[at + 1]) - ord(codes[at])
        if step not in (-1, 1):
            return
        stop = at + 2
        while stop < len(codes) and ord(codes[stop]) - ord(codes[stop - 1]) == step:
            stop += 1
            yield stop, self._character_bits + 1 + math.log2(stop - at)

    def _rows(self, at: int) -> Pieces:
        for row in _ROWS:
            place = row.find(self._low[at : at + MIN_RUN])
            if place < 0 or len(self._low) - at < MIN_RUN:
                continue
            stop = at
            while stop < len(self._low) and row[place : place + stop - at + 1].endswith(
                self._low[at : stop + 1]
            ):
                stop += 1
                if stop - at >= MIN_RUN:
                    yield stop, _ROW_BITS

    def _dates(self, at: int) -> Pieces:
        if match := _YEAR.match(self._low, at):
            yield match.end(), _YEAR_BITS
        if match := _DATE.match(self._low, at):
            yield match.end(), _DATE_BITS

    def _words(self, at: int) -> Pieces:
        for stop in range(at + MIN_WORD, min(len(self._low), at + MAX_WORD) + 1):
            plain = self._low[at:stop]
            bits = self._word_bits(plain)
            for variant in self._variants:
                swapped = variant[at:stop]
                if swapped != plain:
                    bits = min(bits, self._word_bits(swapped) + 1.0)
            if bits < math.inf:
                yield stop, bits + _case_bits(self._text[at:stop])

    def _word_bits(self, word: str) -> float:
        bits = self._extra.get(word)
        if bits is None and self._dictionary is not None:
            bits = self._dictionary.bits(word)
        return math.inf if bits is None else bits

    def _repeats(self, at: int) -> Pieces:
        """A block said again and again costs the block and the count."""
        text = self._low
        for size in range(1, min(MAX_BLOCK, (len(text) - at) // 2) + 1):
            block = text[at : at + size]
            stop = at + size
            while text.startswith(block, stop):
                stop += size
                if stop - at >= MIN_RUN:
                    yield stop, self._block_bits(at, block) + math.log2((stop - at) // size)
            if stop - at > size:
                # A longer block from here would repeat this one: no cheaper, and slow to try.
                return

    def _block_bits(self, at: int, block: str) -> float:
        if block not in self._blocks:
            self._blocks[block] = self._cheapest(at, at + len(block), with_repeats=False)
        return self._blocks[block]


def _case_bits(text: str) -> float:
    upper = sum(character.isupper() for character in text)
    if not upper:
        return 0.0
    if upper == len(text) or (upper == 1 and (text[0].isupper() or text[-1].isupper())):
        return 1.0
    lower = sum(character.islower() for character in text)
    return math.log2(sum(math.comb(upper + lower, k) for k in range(1, min(upper, lower) + 1)) + 1)
