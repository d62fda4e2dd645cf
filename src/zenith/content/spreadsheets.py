"""Tables that spreadsheets open."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import Final

from zenith.content.characters import HIDDEN

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FORMULA: Final = re.compile(
    rf"(?:\s|{HIDDEN.pattern})*[=+@|%\-\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b]|[\t\r\n]"
)
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?")


def csv_cell(value: object) -> str:
    """`value` as a cell that is shown and never calculated.

    Threat: an exported table in which somebody's name is a formula that sends the other cells
    elsewhere, or starts a program, when it is opened (ASVS 1.2.10). Text that begins as a formula,
    after white space too, is preceded by `'`; control characters are removed. Numbers stay numbers,
    `-5` in a text as well; None is an empty cell.
    """
    if value is None:
        return ""
    text = _CONTROL.sub("", str(value))
    if isinstance(value, int | float) or not _FORMULA.match(text) or _NUMBER.fullmatch(text):
        return text
    return f"'{text}"


def csv_lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """CSV (RFC 4180), a row at a time, of cells made by `csv_cell`.

    Every cell is quoted: a program that takes another character as separator finds no second cell
    within one.
    """
    line = io.StringIO()
    writer = csv.writer(line, quoting=csv.QUOTE_ALL)
    for row in rows:
        writer.writerow([csv_cell(value) for value in row])
        yield line.getvalue()
        line.seek(0)
        line.truncate()
