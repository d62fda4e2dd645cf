"""Tables that spreadsheets open."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from zenith.content.characters import HIDDEN

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BLANK: Final = rf"\s|{HIDDEN.pattern}"
_SIGN: Final = r"[=+@|%\-\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b]"
_FORMULA: Final = re.compile(rf"(?:{_BLANK})*{_SIGN}|[\t\r\n]")
_SEPARATOR: Final = re.compile(r"[;|\t\r\n]")
"""What ends a cell for programs that take another separator than the comma, and a line for all."""
_NEXT: Final = re.compile(rf'((?:[;|"]|{_BLANK})++)({_SIGN}?+)')
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?")


def csv_cell(value: object) -> str:
    """`value` as a cell that is shown and never calculated.

    Threat: an exported table in which somebody's name is a formula that sends the other cells
    elsewhere, or starts a program, when it is opened (ASVS 1.2.10). Text that begins as a formula,
    after white space too, is preceded by `'`, and so is a formula behind a line end, a tab, `;` or
    `|`: where the separator is none of the comma's, quotes hold in the first cell of a row alone,
    and the next begins there. Control characters are removed. Numbers stay numbers, `-5` in a text
    as well; None is an empty cell.
    """
    if value is None:
        return ""
    text = _CONTROL.sub("", str(value))
    if isinstance(value, int | float | Decimal) or _NUMBER.fullmatch(text):
        return text
    start = "'" if _FORMULA.match(text) else ""
    return start + (_NEXT.sub(_shown, text) if _SEPARATOR.search(text) else text)


def _shown(found: re.Match[str]) -> str:
    between, sign = found.groups()
    return f"{between}'{sign}" if sign and _SEPARATOR.search(between) else found[0]


def csv_lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """CSV (RFC 4180), a row at a time, of cells made by `csv_cell`.

    Every cell is quoted: nothing within one begins another.
    """
    line = io.StringIO()
    writer = csv.writer(line, quoting=csv.QUOTE_ALL)
    for row in rows:
        writer.writerow([csv_cell(value) for value in row])
        yield line.getvalue()
        line.seek(0)
        line.truncate()
