"""Faults of input, in the shape that FastAPI gives them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from pydantic import ValidationError as PydanticError

from zenith.kernel.errors import ServiceUnavailableError

_UNMEANT: Final = (PydanticError, UnicodeError)
"""Errors of values whose texts repeat these, and were not written for who sent them."""
Location: TypeAlias = "tuple[str | int, ...]"
Fault: TypeAlias = dict[str, Any]
MAX_NAME = 100


class ChecksTimeoutError(ServiceUnavailableError):
    """The checks of an input did not end in time: it is not known whether it holds (503)."""


def fault(location: Sequence[str | int], kind: str, message: str) -> Fault:
    """`type`, `loc` and `msg`, and never the value: it may be a password (ASVS 14.2.1)."""
    places = [_written(part[:MAX_NAME]) if isinstance(part, str) else part for part in location]
    return {"type": kind, "loc": places, "msg": _written(message)}


def _written(text: str) -> str:
    """JSON may name half a character, which no answer can be written with."""
    return text.encode("utf-8", "replace").decode()


def fault_of(location: Sequence[str | int], error: Exception) -> Fault:
    """The fault for what a validator raised, named and worded as Pydantic does."""
    kind = getattr(error, "type", None)
    message = getattr(error, "message", None)
    if isinstance(kind, str) and callable(message):  # PydanticCustomError
        return fault(location, kind, str(message()))
    if isinstance(error, _UNMEANT):
        return fault(location, "value_error", "Value error")
    if isinstance(error, AssertionError):
        return fault(location, "assertion_error", f"Assertion failed, {error}")
    return fault(location, "value_error", f"Value error, {error}")
