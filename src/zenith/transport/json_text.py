"""JSON that every reader takes the same way, checked before anybody parses it."""

from __future__ import annotations

import math
import re
from typing import Final

from zenith.transport.errors import MalformedBodyError

MAX_DIGITS: Final = 4300
"""Longer integers Python itself refuses to read."""
SUSPECT_DIGITS: Final = 200
"""From here on, or with an exponent, a number may be beyond floating point."""

_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_PAIR: Final = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_NUMBER: Final = re.compile(rb"[0-9][0-9.eE+-]*+")
_ZEROS: Final = bytes.maketrans(b"123456789E", b"000000000e")
_NO_BRACKET: Final = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND: Final = bytes.maketrans(b"{}", b"[]")


def check_json(body: bytes, *, max_depth: int) -> None:
    """Refuse JSON that parses, and then breaks or divides those who use it (RFC 7493).

    Threat: nesting that exhausts the stack, NaN and infinities, which are no JSON and fail when
    written back, numbers beyond floating point, lone surrogates, which no UTF-8 can carry, and
    encodings that proxies cannot look into (ASVS 2.2.1, 15.3.5). What is not JSON at all is left
    to the parser. Raises MalformedBodyError.
    """
    if not body.isascii():
        _check_utf8(body)
    if b"\x00" in body:
        raise MalformedBodyError(reason="JSON that is not UTF-8")
    if b"\\" in body:
        if b"\\u" in body and _has_lone_surrogate(body):
            raise MalformedBodyError(reason="lone surrogate in JSON")
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside = b"".join(body.split(b'"')[::2])
    if b"N" in outside or b"I" in outside:
        raise MalformedBodyError(reason="NaN or Infinity in JSON")
    if outside.count(b"[") + outside.count(b"{") > max_depth:
        _check_depth(outside, max_depth)
    shapes = outside.translate(_ZEROS)
    if b"0e" in shapes or b"0" * SUSPECT_DIGITS in shapes:
        for number in _NUMBER.findall(outside):
            _check_number(number)


def _check_utf8(body: bytes) -> None:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedBodyError(reason="JSON that is not UTF-8") from None


def _has_lone_surrogate(body: bytes) -> bool:
    escapes = body.replace(b"\\\\", b"")
    return _SURROGATE.search(_PAIR.sub(b" ", escapes)) is not None


def _check_depth(outside: bytes, max_depth: int) -> None:
    """Takes away the innermost brackets, level by level; what is left was deeper."""
    brackets = outside.translate(_ONE_KIND, _NO_BRACKET)
    for _ in range(max_depth):
        shorter = brackets.replace(b"[]", b"")
        if len(shorter) == len(brackets):
            break
        brackets = shorter
    if b"[]" in brackets or brackets.count(b"[") > max_depth:
        raise MalformedBodyError(reason="JSON nested too deep")


def _check_number(number: bytes) -> None:
    if len(number) > MAX_DIGITS or (not number.isdigit() and _overflows(number)):
        raise MalformedBodyError(reason="number too large in JSON")


def _overflows(number: bytes) -> bool:
    try:
        return math.isinf(float(number))
    except ValueError:
        return False
