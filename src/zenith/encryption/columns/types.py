"""The column types. Each knows the table and the column that it is mapped to."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, Final, Self

from sqlalchemy import (
    Column,
    Dialect,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from zenith.encryption.blind_index import BlindIndex
from zenith.encryption.columns import values
from zenith.encryption.columns.comparison import Comparison, tag_of
from zenith.encryption.columns.errors import EncryptedColumnError, UnfitColumnValueError
from zenith.encryption.columns.rows import RowBound, RowValue, SealedValue, row_name
from zenith.encryption.columns.statements import watch_statements
from zenith.encryption.columns.values import Codec
from zenith.encryption.context import Context
from zenith.encryption.errors import DecryptionError
from zenith.encryption.sealed import MARK
from zenith.encryption.service import EncryptionService
from zenith.kernel.errors import ConfigurationError

BLIND: Final = "zenith.blind"
"""Key in the `info` of an index that a column has made."""
UNIQUE: Final = "leave that out, and give its type index=BlindIndex(..., unique=True)"
MAX_NAME: Final = 63
"""Characters of a name in PostgreSQL."""


class EncryptedType(RowBound, TypeDecorator[Any]):
    """What all encrypted columns have in common.

    Threat: a stolen database, and values that somebody moves between rows, columns and tables
    (ASVS 11.3.2, 11.3.3). NULL stays NULL and an empty value is encrypted, so the database sees
    which rows have a value, and its length.

    `service` encrypts. `index` finds rows by equality: texts only. `row` names the attribute,
    usually the primary key, whose value each value is bound to; such a column is written and read
    with its whole row, by the ORM, and needs a key that is known before the insert. `place` is
    found at mapping; give it where a value was encrypted under a former name.
    """

    cache_ok = True
    codec: ClassVar[Codec]

    def __init__(
        self,
        service: EncryptionService,
        *,
        index: BlindIndex | None = None,
        row: str | None = None,
        place: tuple[str, str] | None = None,
    ) -> None:
        if index is not None and self.codec is not values.TEXT:
            raise ConfigurationError(
                f"{type(self).__name__} has a blind index", fix="index texts only"
            )
        super().__init__()
        self.service = service
        self.index = index
        self.row = row
        self.place = place

    @property
    def comparator_factory(self) -> Any:  # type: ignore[override]  # a class for all, not memoized
        """What compares the column in SQL."""
        return Comparison

    @property
    def python_type(self) -> type[Any]:
        """What values are."""
        return self.python

    python: ClassVar[type[Any]]

    @property
    def compared_as(self) -> TypeEngine[Any] | None:
        """The type whose values the column is compared with by equality; None for not at all."""
        return String() if self.index is not None else None

    def context(self) -> Context:
        """Where its values belong; raises EncryptedColumnError before it is mapped."""
        if self.place is None:
            raise EncryptedColumnError("an encrypted type is used that is no column of a table")
        return _context(self.codec.purpose, *self.place)

    def at(self, place: tuple[str, str]) -> Self:
        """The same type for one column."""
        bound = self.copy()
        bound.place = place
        return bound

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Encrypt, on the way to the database."""
        del dialect
        if value is None:
            return None
        row: str | None = None
        if self.row is not None:
            if not isinstance(value, RowValue):
                raise EncryptedColumnError(
                    f"{self.told} is bound to its row and written with it, by the ORM"
                )
            value, row = value.value, value.row
        try:
            return self.seal(value, row)
        except TypeError as error:
            raise EncryptedColumnError(f"the value of {self.told} {error}") from None
        except EncryptedColumnError:
            raise
        except ValueError as error:
            raise UnfitColumnValueError(str(error), column=self.told) from None

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Decrypt, on the way from the database."""
        del dialect
        if value is None:
            return None
        return SealedValue(value, self.open) if self.row is not None else self.open(value)

    def seal(self, value: Any, row: str | None = None) -> Any:
        """What is stored for `value`."""
        context = self.context()
        tag = "" if self.index is None else self.index.tag(value, context)
        return self.service.seal_text(self.codec.dump(value), context, tag=tag, row=row)

    def open(self, stored: Any, row: str | None = None) -> Any:
        """What `seal` was given; raises DecryptionError for all else."""
        if not isinstance(stored, str):
            raise DecryptionError
        return self.codec.load(self.service.open_text(stored, self.context(), row=row))

    def is_current(self, stored: Any, value: str | None = None) -> bool:
        """Whether `stored` is as it would be stored today: the active key and, for the text `value`
        that it holds, the present blind index.
        """
        if not self.service.is_current(stored):
            return False
        if self.index is None:
            # A tag that is left from an index of before goes on telling which values are equal.
            return not isinstance(stored, str) or stored.startswith(MARK)
        if value is None:
            return True
        return str(stored).startswith(self.index.tag(value, self.context()) + MARK)

    def renewed(self, stored: Any, row: object = None) -> Any:
        """What to store in place of `stored`, the raw value of the column in the row with the key
        `row`; None if it is as it would be stored today.

        Raises DecryptionError for what does not open.
        """
        name = None if self.row is None else row_name(row)
        value = self.open(stored, name)
        if self.is_current(stored, value if isinstance(value, str) else None):
            return None
        return self.seal(value, name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class EncryptedString(EncryptedType):
    """Short texts: `ssn: str = Field(sa_column=Column(EncryptedString(service)))`."""

    impl = String
    cache_ok = True
    codec = values.TEXT
    python = str


class EncryptedText(EncryptedType):
    """Texts of any length up to 16 MiB; the same as EncryptedString but for the column's type."""

    impl = Text
    cache_ok = True
    codec = values.TEXT
    python = str


class EncryptedJSON(EncryptedType):
    """Whatever JSON can say. None is NULL. Changes inside of a value are not seen: assign anew."""

    impl = Text
    cache_ok = True
    codec = values.JSON
    python = object


class EncryptedDate(EncryptedType):
    """Days."""

    impl = String
    cache_ok = True
    codec = values.DATE
    python = date


class EncryptedDecimal(EncryptedType):
    """Exact numbers, with as many places as they were given."""

    impl = String
    cache_ok = True
    codec = values.DECIMAL
    python = Decimal


class EncryptedBytes(EncryptedType):
    """Bytes up to 16 MiB, stored in the binary form."""

    impl = LargeBinary
    cache_ok = True
    codec = values.BYTES
    python = bytes

    def seal(self, value: Any, row: str | None = None) -> bytes:
        """What is stored for `value`."""
        return self.service.seal(self.codec.dump(value), self.context(), row=row)

    def open(self, stored: Any, row: str | None = None) -> bytes:
        """What `seal` was given; raises DecryptionError for all else."""
        if not isinstance(stored, bytes | bytearray):
            raise DecryptionError
        return self.service.open(bytes(stored), self.context(), row=row)


@functools.cache
def _context(purpose: str, table: str, column: str) -> Context:
    # One for each column that is mapped, so there are few.
    return Context(purpose, table, column)


@event.listens_for(UniqueConstraint, "after_parent_attach")
def _refuse_unique(constraint: Any, table: Any) -> None:
    """Threat: what is encrypted is never equal, so the database would take any value twice."""
    _check_compared(constraint.columns, table)


def _check_compared(expressions: Iterable[Any], table: Any) -> None:
    for each in expressions:
        if isinstance(getattr(each, "type", None), EncryptedType):
            raise ConfigurationError(
                f"{table.name} has an encrypted column that is to be unique as it is stored",
                fix=UNIQUE,
            )


@event.listens_for(Index, "after_parent_attach")
def _replace(index: Any, table: Any) -> None:
    """A table that is copied brings the index of its copied column: one of the two is enough."""
    if index.unique:
        _check_compared(index.expressions, table)
    for other in [each for each in table.indexes if each is not index]:
        if other.name == index.name and BLIND in other.info:
            table.indexes.discard(other)


@event.listens_for(Column, "after_parent_attach", propagate=True)
def _bind(column: Any, table: Any) -> None:
    """When a column gets its table, its type learns where it is."""
    kind = column.type
    if not isinstance(kind, EncryptedType) or not isinstance(table, Table):
        return
    if column.primary_key or column.foreign_keys:
        raise ConfigurationError(
            f"{table.name}.{column.name} is a key and encrypted",
            fix="encrypt columns that refer to nothing; a key is compared and joined",
        )
    _check_written_by_program(column, table)
    watch_statements()
    column.type = kind.at(kind.place or (table.name, column.name))
    if kind.index is not None:
        found = tag_of(column, kind.index.length)
        name = _index_name(table.name, column.name)
        Index(name, found, unique=kind.index.unique, info={BLIND: True})


def _check_written_by_program(column: Any, table: Any) -> None:
    """What the database puts in by itself is not encrypted, and what it compares is never equal."""
    defaults = (column.default, column.onupdate)
    if column.server_default is not None or any(
        each is not None and each.is_clause_element for each in defaults
    ):
        raise ConfigurationError(
            f"{table.name}.{column.name} is encrypted and has a default of the database's",
            fix="give the default in the program: `default=`, with a value or a function",
        )
    if column.unique or column.index:
        raise ConfigurationError(
            f"{table.name}.{column.name} is encrypted, and to be unique or indexed as it is stored",
            fix=UNIQUE,
        )


def _index_name(table: str, column: str) -> str:
    name = f"ix_{table}_{column}_blind"
    if len(name) <= MAX_NAME:
        return name
    return f"{name[: MAX_NAME - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
