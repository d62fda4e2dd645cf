"""Python values as the bytes that are encrypted, and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from zenith.encryption.errors import DecryptionError
from zenith.encryption.service import from_json, text_of, to_json, utf8
from zenith.kernel.records import dataclass

MAX_DIGITS: Final = 1000


@dataclass(frozen=True, slots=True)
class Codec:
    """One kind of values. `purpose` is authenticated with each of them: a date never opens as a
    text.
    """

    purpose: str
    dump: Callable[[Any], bytes]
    """Raises ValueError or TypeError, without the value, for what is of another kind."""
    load: Callable[[bytes], Any]
    """Raises DecryptionError."""


def _dump_text(value: object) -> bytes:
    if not isinstance(value, str):
        raise TypeError("is no text")
    return utf8(value)


def _dump_json(value: object) -> bytes:
    try:
        return to_json(value)
    # The former message names the value's type at best, and its text at worst.
    except TypeError:
        raise TypeError("is nothing that JSON can say") from None
    except (ValueError, RecursionError):
        raise ValueError("is nothing that JSON can say") from None


def _dump_bytes(value: object) -> bytes:
    if not isinstance(value, bytes | bytearray):
        raise TypeError("is no bytes")
    return bytes(value)


def _dump_date(value: object) -> bytes:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise TypeError("is no date")
    return value.isoformat().encode("ascii")


def _load_date(data: bytes) -> date:
    try:
        return date.fromisoformat(text_of(data))
    except ValueError:
        raise DecryptionError from None


def _dump_decimal(value: object) -> bytes:
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        raise TypeError("is no decimal")
    number = Decimal(value)
    if not number.is_finite() or len(number.as_tuple().digits) > MAX_DIGITS:
        raise ValueError(f"is no finite decimal of at most {MAX_DIGITS} digits")
    return str(number).encode("ascii")


def _load_decimal(data: bytes) -> Decimal:
    try:
        return Decimal(text_of(data))
    except InvalidOperation:
        raise DecryptionError from None


TEXT: Final = Codec("text", _dump_text, text_of)
JSON: Final = Codec("json", _dump_json, from_json)
BYTES: Final = Codec("bytes", _dump_bytes, bytes)
DATE: Final = Codec("date", _dump_date, _load_date)
DECIMAL: Final = Codec("decimal", _dump_decimal, _load_decimal)
