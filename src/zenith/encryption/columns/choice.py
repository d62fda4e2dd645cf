"""The column type for values of a Python type."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final

from zenith.encryption.columns.types import (
    EncryptedBytes,
    EncryptedDate,
    EncryptedDecimal,
    EncryptedJSON,
    EncryptedText,
    EncryptedType,
)
from zenith.encryption.service import EncryptionService

_TYPES: Final[dict[Any, type[EncryptedType]]] = {
    str: EncryptedText,
    bytes: EncryptedBytes,
    date: EncryptedDate,
    Decimal: EncryptedDecimal,
    **dict.fromkeys((int, float, bool, dict, list), EncryptedJSON),
}


def column_type(service: EncryptionService, kind: Any) -> EncryptedType | None:
    """The type of a column for values of `kind`, exactly; None where there is none."""
    found = _TYPES.get(kind)
    return None if found is None else found(service)
