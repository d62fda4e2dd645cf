"""What is stored of an event, as bytes that no two different events share."""

from __future__ import annotations

import hashlib
import os
import struct
import time
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

TEXTS: Final = (
    "stream",
    "event_id",
    "type",
    "outcome",
    "severity",
    "subject",
    "target",
    "session_id",
    "scheme",
    "address",
    "user_agent",
    "request_id",
    "trace_id",
    "reason",
    "details",
)
"""The columns that are text or absent, in the order in which they are encoded; `details` is the
JSON as it was written."""
Record: TypeAlias = tuple[Any, ...]
"""A row as databases give it: sequence, time, MAC, then TEXTS."""
SEQUENCE: Final = 0
AT: Final = 1
MAC: Final = 2
FIRST_TEXT: Final = 3
STREAM: Final = FIRST_TEXT + TEXTS.index("stream")
EVENT_ID: Final = FIRST_TEXT + TEXTS.index("event_id")
VERSION: Final = b"\x01"
ABSENT: Final = -1
_LOW: Final = (1 << 62) - 1
_pack: Final = struct.Struct(f">d{len(TEXTS)}i").pack
_join: Final = "".join
_digest: Final = hashlib.sha256
_UNREADABLE: Final = b"\x00unreadable"


def new_event_id() -> str:
    """An id of 32 hexadecimal digits that begins with the time (RFC 9562, version 7).

    Ids that follow each other end up side by side in the index of ids, which keeps its cost the
    same however long the log is. They name events and guard nothing.
    """
    value = int.from_bytes(os.urandom(10))
    high = 0x7000 | value >> 68
    low = 1 << 63 | value & _LOW
    return f"{time.time_ns() // 1_000_000:012x}{high:04x}{low:016x}"


def encode(at: float, texts: Sequence[str | None]) -> bytes:
    """Version, time, the length of each text in code points (-1: absent), and the texts in UTF-8.

    Threat: a character moved from one column to the next, or an absent value made an empty one,
    under the same MAC: lengths stand in front of everything, so one sequence of bytes is one
    event. Raises TypeError or ValueError for what is no such event.
    """
    lengths = [ABSENT if text is None else len(text) for text in texts]
    present = "".join([text for text in texts if text is not None])
    try:
        return VERSION + _pack(at, *lengths) + present.encode()
    except struct.error as error:
        raise ValueError(str(error)) from None


def encoded(record: Record) -> bytes | None:
    """`encode` for a row; None for one that holds what the log never writes, such as bytes in a
    column of text.
    """
    try:
        return encode(record[AT], record[FIRST_TEXT:])
    except (TypeError, ValueError):
        return None


def as_time(value: object) -> float | None:
    """A time as a database gave it, if it is one."""
    return value if isinstance(value, float) else None


def leaf(record: Record) -> bytes:
    """SHA-256 over the row as it is, its MAC included: what a seal keeps of it."""
    try:
        # `encode`, column by column: verification does little else, and a loop takes twice as long.
        _, at, mac, a, b, c, d, e, f, g, h, i, j, k, m, n, o, p = record
        # fmt: off
        lengths = _pack(
            at, len(a), -1 if b is None else len(b), len(c), len(d), len(e),
            -1 if f is None else len(f), -1 if g is None else len(g), -1 if h is None else len(h),
            len(i), -1 if j is None else len(j), -1 if k is None else len(k),
            -1 if m is None else len(m), -1 if n is None else len(n), len(o), len(p),
        )
        present = _join((
            a, "" if b is None else b, c, d, e, "" if f is None else f, "" if g is None else g,
            "" if h is None else h, i, "" if j is None else j, "" if k is None else k,
            "" if m is None else m, "" if n is None else n, o, p,
        ))
        # fmt: on
        return _digest(VERSION + lengths + present.encode() + mac).digest()
    except (TypeError, ValueError, struct.error):
        return _odd_leaf(record)


def _odd_leaf(record: Record) -> bytes:
    """`leaf` of a row of another shape: without a MAC, with an absent value where the log writes
    one, or with what the log never writes.
    """
    try:
        return _digest(encode(record[AT], record[FIRST_TEXT:]) + (record[MAC] or b"")).digest()
    except (TypeError, ValueError):
        return _digest(_UNREADABLE).digest()
