"""`Vary`: on which request headers an answer depends."""

from __future__ import annotations

from zenith.kernel.problem import RawHeaders


def add_vary(headers: RawHeaders, names: bytes) -> None:
    """Add to the one Vary of a response (RFC 9110 section 12.5.5): some caches read no second."""
    known = [value for name, value in headers if name.lower() == b"vary"]
    if known:
        headers[:] = [field for field in headers if field[0].lower() != b"vary"]
    headers.append((b"vary", b", ".join([*known, names])))
