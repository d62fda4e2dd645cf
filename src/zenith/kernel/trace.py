"""The trace that a request belongs to (W3C Trace Context)."""

from __future__ import annotations

import re
from typing import Final

TRACEPARENT: Final = b"traceparent"
_VERSION_0: Final = 55
"""Bytes of the header's first version; later ones may be longer, after another hyphen."""
_SHAPE: Final = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-|\Z)")


def trace_id_of(header: bytes) -> str | None:
    """The trace id of a `traceparent` header; None for a header that does not hold.

    Threat: a log that is joined by what clients invent. The id is a hint of theirs and proves
    nothing; what does not have the exact shape (W3C Trace Context section 3.2) is no id, so that
    nothing else of the header reaches a log (ASVS 16.4.1).
    """
    found = _SHAPE.match(header)
    if found is None:
        return None
    version, trace, parent = found.groups()
    if version == b"ff" or (version == b"00" and len(header) != _VERSION_0):
        return None
    if not trace.strip(b"0") or not parent.strip(b"0"):
        return None
    return trace.decode("ascii")
