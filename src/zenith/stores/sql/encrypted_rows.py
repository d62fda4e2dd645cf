"""A table with encrypted columns, read and written as it is stored."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final, Self

from sqlalchemy import (
    Column,
    ColumnElement,
    LargeBinary,
    Row,
    String,
    Table,
    bindparam,
    type_coerce,
)

from zenith.encryption.columns import EncryptedBytes, EncryptedType
from zenith.kernel.errors import ConfigurationError

PROBE: Final = "0"


class EncryptedTable:
    """The encrypted columns of a table and its primary key."""

    def __init__(self, table: Table, columns: Sequence[Column[Any]]) -> None:
        self.table: Final = table
        self.name: Final = table.fullname
        self.columns: Final = tuple(columns)
        self.keys: Final = tuple(table.primary_key.columns)
        if not self.keys:
            raise ConfigurationError(
                f"{self.name} has encrypted columns and no primary key",
                fix="give it one: without it no row can be told from another",
            )
        self._bound: Final = [self._bound_to(column) for column in self.columns]
        kept = [each for each in self._bound if each is not None]
        self.selected: Final = [
            *(key.label(f"zenith_key_{number}") for number, key in enumerate(self.keys)),
            *(
                self.raw(each).label(f"zenith_old_{number}")
                for number, each in enumerate(self.columns)
            ),
            *(each.label(f"zenith_row_{number}") for number, each in enumerate(kept)),
        ]
        # Not by the columns themselves: they compare to SQL, not to true or false.
        counted = itertools.count()
        self._places: Final = [0 if each is None else next(counted) for each in self._bound]

    @classmethod
    def of(cls, table: Table) -> Self | None:
        """The table, if it has encrypted columns."""
        columns = [column for column in table.c if isinstance(column.type, EncryptedType)]
        return cls(table, columns) if columns else None

    def raw(self, column: Column[Any]) -> ColumnElement[Any]:
        """The column as it is stored."""
        kind = LargeBinary() if isinstance(column.type, EncryptedBytes) else String()
        return type_coerce(column, kind)

    def values(self, key: Sequence[Any]) -> list[ColumnElement[Any]]:
        """A key of a row, as the database compares it."""
        return [
            bindparam(None, value, type_=column.type, unique=True)
            for column, value in zip(self.keys, key, strict=True)
        ]

    def key_of(self, row: Row[*tuple[Any, ...]]) -> Sequence[Any]:
        """The primary key of a row."""
        return row[: len(self.keys)]

    def name_of(self, row: Row[*tuple[Any, ...]]) -> str:
        """The same for people."""
        return ", ".join(str(each) for each in self.key_of(row))

    def told(self, change: Any) -> str:
        """The same of a change."""
        return ", ".join(str(change[f"zenith_key_{number}"]) for number in range(len(self.keys)))

    def change(self, row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
        """What to write in this row, by the names of parameters; empty if it is as it should be.

        Raises DecryptionError for a value that does not open.
        """
        values = row[len(self.keys) :]
        bound_to = values[len(self.columns) :]
        change: dict[str, Any] = {}
        for number, column in enumerate(self.columns):
            stored, bound = values[number], self._bound[number]
            if stored is None:
                continue
            key = None if bound is None else bound_to[self._places[number]]
            renewed = _type_of(column).renewed(stored, key)
            if renewed is not None:
                change |= {f"zenith_old_{number}": stored, f"zenith_new_{number}": renewed}
        if change:
            keys = self.key_of(row)
            change |= {f"zenith_key_{number}": value for number, value in enumerate(keys)}
        return change

    def fingerprint(self) -> str:
        """What differs once other keys or other indexes are active."""
        told: list[str] = []
        for column in self.columns:
            kind = _type_of(column)
            tag = "" if kind.index is None else kind.index.tag(PROBE, kind.context())
            told.append(f"{self.name}.{column.name} {kind.service.keyring.active.id.hex()} {tag}")
        return "\n".join(told)

    def _bound_to(self, column: Column[Any]) -> Column[Any] | None:
        name = _type_of(column).row
        if name is None:
            return None
        if name not in self.table.c:
            raise ConfigurationError(
                f"{self.name}.{column.name} is bound to `{name}`, which is no column's name",
                fix="name the attribute as its column",
            )
        return self.table.c[name]


def _type_of(column: Column[Any]) -> EncryptedType:
    kind: Any = column.type
    found: EncryptedType = kind
    return found
