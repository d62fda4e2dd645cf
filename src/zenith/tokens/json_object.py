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
MIN_INTEGER: Final = -(2**63)
MAX_INTEGER: Final = 2**63 - 1
_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_APART: Final = b"\\\n\t\r"
"""What may stand between a name and its colon, and what may hide a quote."""
_NUMBERS: Final[frozenset[object]] = frozenset({int, float})
_STRING: Final[frozenset[object]] = frozenset({str})


def parse_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`; ValueError for anything else or anything ambiguous.

    The parser keeps the last of duplicate members. How many were written is told by the colons:
    each member has one behind its name, so that as many colons as members prove that none was
    lost. Only where strings hold colons too is more to be looked at.
    """
    document: Any = from_json(raw, allow_inf_nan=False, cache_strings="keys")
    kind: Any = document.__class__
    if kind is not dict:
        raise ValueError("not a JSON object")
    members: int = len(document)
    for value in document.values():
        kind = value.__class__
        # The kinds that access tokens are full of need no call.
        if kind is not str and (kind not in _NUMBERS or not MIN_INTEGER <= value <= MAX_INTEGER):
            members += _members(value, 1)
    if raw.count(b":") != members and _written(raw, members) != members:
        raise ValueError("duplicate member")
    result: dict[str, Any] = document
    return result


def _written(raw: bytes, members: int) -> int:
    """How many members are written in `raw`, which is valid JSON and of which `members` are left.

    Where names and colons are nowhere apart, each member shows itself as a quote and a colon. Texts
    that begin with a colon do so too: then more are counted, never fewer, so that as many as are
    left prove that none was lost.
    """
    if (
        raw.count(b'":') == members
        # To look for one octet is much faster than for two, and most tokens hold no space.
        and (b" " not in raw or b" :" not in raw)
        # Deleting them all at once costs less than looking for each.
        and len(raw.translate(None, _APART)) == len(raw)
    ):
        return members
    return _STRINGS.sub(b"", raw).count(b":")


def _members(value: Any, depth: int) -> int:
    """How many members `value` and all below it have; ValueError for depth and large numbers."""
    kind: object = value.__class__
    if kind is int:
        if not MIN_INTEGER <= value <= MAX_INTEGER:
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
