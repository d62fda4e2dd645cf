"""JSON objects that can be read in one way only (RFC 8259 section 4, RFC 8725 section 2.4).

Parsers disagree on duplicate members, on numbers beyond 64 bits, on NaN and on lone surrogates, and
deep nesting exhausts the stack. Two programs that read one token differently are a hole, so all of
that is refused.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

from pydantic_core import from_json

MAX_DEPTH: Final = 16
MAX_INTEGER: Final = 2**63
_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_STRING: Final[frozenset[object]] = frozenset({str})


def parse_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`; ValueError for anything else or anything ambiguous.

    The parser keeps the last of duplicate members. How many there were is told by the colons: each
    member has one behind its name, with or without white space between.
    """
    document = from_json(raw, allow_inf_nan=False, cache_strings="keys")
    if type(document) is not dict:
        raise ValueError("not a JSON object")
    members = len(document)
    for value in document.values():
        if type(value) is not str:
            members += _members(value, 1)
    # Where a quote and a colon are nowhere apart, their pairs are all the members and, where
    # strings hold such pairs too, more than that. So an equal count proves that none was lost.
    apart = b" :" in raw or b"\n" in raw or b"\t" in raw or b"\r" in raw
    if (apart or raw.count(b'":') != members) and _STRINGS.sub(b"", raw).count(b":") != members:
        raise ValueError("duplicate member")
    return document


def _members(value: Any, depth: int) -> int:
    """How many members `value` and all below it have; ValueError for depth and large numbers."""
    kind = type(value)
    if kind is int:
        if not -MAX_INTEGER <= value < MAX_INTEGER:
            raise ValueError("integer too large")
        return 0
    if kind is float:
        if not math.isfinite(value):
            raise ValueError("number too large")
        return 0
    if depth >= MAX_DEPTH:
        raise ValueError("nested too deeply")
    if kind is dict:
        return len(value) + sum(_members(entry, depth + 1) for entry in value.values())
    if kind is list and not _STRING.issuperset(map(type, value)):
        return sum(_members(entry, depth + 1) for entry in value)
    return 0
