"""Where a value belongs: the associated data that binds it to its place."""

from __future__ import annotations

from dataclasses import field
from typing import Final

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass

MAX_PART: Final = 65_535
"""Bytes of a part, whose length is written in two."""
UNBOUND: Final = b"\x00\x00\x00"
"""What follows the prefix where there is neither tag nor row."""


@dataclass(frozen=True, slots=True)
class Context:
    """What values are for and where they are kept. A value opens in its own context only.

    Threat: a ciphertext that is copied over another's (confused deputy): to another column or
    table, or where another kind of value is read (ASVS 11.3.3).
    """

    purpose: str
    """The kind of value, such as `text` or `json`."""
    table: str = ""
    column: str = ""
    prefix: bytes = field(init=False, repr=False, compare=False)
    """Purpose, table and column, each behind its length."""
    alone: bytes = field(init=False, repr=False, compare=False)
    """What `encode()` gives for neither tag nor row."""

    def __post_init__(self) -> None:
        parts = (self.purpose, self.table, self.column)
        prefix = b"".join(map(_counted, parts))
        object.__setattr__(self, "prefix", prefix)
        object.__setattr__(self, "alone", prefix + UNBOUND)

    def encode(self, tag: str = "", row: str | None = None) -> bytes:
        """The bytes that are authenticated beside the header: this context, the blind index before
        the value, and the row where values are bound to rows.
        """
        if not tag and row is None:
            return self.alone
        end = b"\x00" if row is None else b"\x01" + row.encode("utf-8", "surrogatepass")
        return self.prefix + _counted(tag) + end


def _counted(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > MAX_PART:
        raise ConfigurationError(
            "a part of a context is too long", fix=f"keep names below {MAX_PART} bytes"
        )
    return len(data).to_bytes(2, "big") + data
