"""Columns whose values are encrypted between the program and the database."""

from __future__ import annotations

from zenith.encryption.columns.errors import EncryptedColumnError
from zenith.encryption.columns.rows import SealedValue
from zenith.encryption.columns.statements import StoredValue
from zenith.encryption.columns.types import (
    EncryptedBytes,
    EncryptedDate,
    EncryptedDecimal,
    EncryptedJSON,
    EncryptedString,
    EncryptedText,
    EncryptedType,
)

__all__ = [
    "EncryptedBytes",
    "EncryptedColumnError",
    "EncryptedDate",
    "EncryptedDecimal",
    "EncryptedJSON",
    "EncryptedString",
    "EncryptedText",
    "EncryptedType",
    "SealedValue",
    "StoredValue",
]
