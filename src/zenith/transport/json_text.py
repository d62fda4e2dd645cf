"""JSON that every reader takes the same way, checked before anybody parses it."""

from __future__ import annotations

import math
import re
from typing import Final

from zenith.kernel.errors import BadRequestError

MAX_DIGITS: Final = 4300
"""Longer integers Python itself refuses to read."""

_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_PAIR: Final = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_NUMBER: Final = re.compile(rb"[0-9]++(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+")
_ZEROS: Final = bytes.maketrans(b"123456789E", b"000000000e")
_MANY_DIGITS: Final = b"0" * 200
"""So many digits, or an exponent of three, and a number may be beyond floating point."""
_NO_BRACKET: Final = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND: Final = bytes.maketrans(b"{}", b"[]")


def check_json(body: bytes, *, max_depth: int) -> None:
    """Refuse JSON that parses, and then breaks or divides those who use it (RFC 7493).

    Threat: nesting that exhausts the stack, NaN and infinities, which are no JSON and fail when
    written back, numbers beyond floating point, lone surrogates, which no UTF-8 can carry, and
    encodings that proxies cannot look into (ASVS 2.2.1, 15.3.5). What is not JSON at all is left
    to the parser. Raises BadRequestError.
    """
    if body.isascii() and b"\\" not in body and b"\x00" not in body and _is_tame(body, max_depth):
        return
    if not body.isascii():
        _check_utf8(body)
    if b"\x00" in body:
        raise BadRequestError(reason="JSON that is not UTF-8")
    if b"\\" in body:
        if b"\\u" in body and _has_lone_surrogate(body):
            raise BadRequestError(reason="lone surrogate in JSON")
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside = b"".join(body.split(b'"')[::2])
    if _is_tame(outside, max_depth):
        return
    if b"NaN" in outside or b"Infinity" in outside:
        raise BadRequestError(reason="NaN or Infinity in JSON")
    _check_depth(outside, max_depth)
    _check_numbers(outside)


def _is_tame(text: bytes, max_depth: int) -> bool:
    """Whether not even a sign of deep nesting or of odd numbers occurs, in strings or outside.

    Written out, for almost every body passes here and nowhere else.
    """
    if text.count(b"[") + text.count(b"{") > max_depth:
        return False
    if b"NaN" in text or b"Infinity" in text:
        return False
    shapes = text.translate(_ZEROS)
    return not (b"e000" in shapes or b"e+000" in shapes or _MANY_DIGITS in shapes)


def _check_utf8(body: bytes) -> None:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequestError(reason="JSON that is not UTF-8") from None


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
        raise BadRequestError(reason="JSON nested too deep")


def _check_numbers(outside: bytes) -> None:
    for number in _NUMBER.findall(outside):
        if len(number) > MAX_DIGITS or (float(number) == math.inf and not number.isdigit()):
            raise BadRequestError(reason="number too large in JSON")
