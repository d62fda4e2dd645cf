"""Where a page of keys ends, as text for addresses."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from zenith.api_keys.key import APIKey
from zenith.api_keys.store import Cursor
from zenith.kernel.errors import BadRequestError


def next_cursor(found: Sequence[APIKey], size: int) -> str | None:
    """The cursor after the first `size` keys; None if there are no more."""
    if len(found) <= size:
        return None
    last = found[size - 1]
    return f"{last.created_at!r}_{last.id}"


def read_cursor(text: str) -> Cursor | None:
    """A cursor that `next_cursor` wrote; None for empty text. Raises BadRequestError."""
    if not text:
        return None
    moment, _, key_id = text.partition("_")
    try:
        created_at = float(moment)
    except ValueError:
        raise BadRequestError("`after` is no cursor") from None
    if not isfinite(created_at) or not key_id.isalnum():
        raise BadRequestError("`after` is no cursor")
    return created_at, key_id
