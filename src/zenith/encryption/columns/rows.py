"""Values that are bound to their rows: what a column type cannot know, the ORM's events tell it.

Before a row is written, its values are paired with the row's key; after, they are as they were.
When a row is loaded, its values are opened with its key.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, event, inspect
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.orm.attributes import get_history, set_committed_value
from sqlalchemy.orm.base import PassiveFlag

from zenith.encryption.columns.errors import EncryptedColumnError
from zenith.encryption.errors import DecryptionError
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass

UNREAD: Final = PassiveFlag.PASSIVE_NO_INITIALIZE
"""What is not loaded is left so: a flush asks the database nothing more."""
PENDING: Final = "zenith.encryption.pending"


class RowBound:
    """A type whose values may be bound to rows."""

    row: str | None
    """The attribute whose value is the row's key; None for values that are bound to no row."""
    place: tuple[str, str] | None
    """Table and column; None before it is mapped."""

    @property
    def told(self) -> str:
        """The column, for people."""
        return "an encrypted column" if self.place is None else ".".join(self.place)


@dataclass(frozen=True, slots=True)
class RowValue:
    """A value and the row that it goes to, for as long as a flush lasts."""

    value: Any = field(repr=False)
    row: str


@dataclass(frozen=True, slots=True)
class SealedValue:
    """A value of a column that was selected without its row: `value.open(row_key)` opens it."""

    stored: Any = field(repr=False)
    opener: Callable[[Any, str], Any] = field(repr=False)

    def open(self, row: object) -> Any:
        """The value, if it belongs to this row; raises DecryptionError otherwise."""
        return self.opener(self.stored, row_name(row))


def row_name(key: object) -> str:
    """A row's key with its kind, so that 1 and "1" are two rows."""
    if isinstance(key, bool) or not isinstance(key, int | str | UUID | bytes):
        raise EncryptedColumnError(
            "a value is bound to a row without a key; let the program make it, such as a UUID"
        )
    if isinstance(key, int):
        return f"int:{int(key)}"
    if isinstance(key, UUID):
        return f"uuid:{key.hex}"
    # The text itself also where it is a member of an enumeration.
    return f"bytes:{key.hex()}" if isinstance(key, bytes) else f"str:{str.__str__(key)}"


@dataclass(frozen=True, slots=True)
class _Bound:
    """An attribute, and the attribute of the key that it is bound to."""

    name: str
    row: str
    kind: type[Any]
    """What the database gives back for the key: bound to anything else it would never open."""


def _row_of(column: ColumnElement[Any]) -> str | None:
    return column.type.row if isinstance(column.type, RowBound) else None


@functools.cache
def _bound(mapper: Mapper[Any]) -> tuple[_Bound, ...]:
    """The attributes that are bound to rows."""
    found: list[_Bound] = []
    for attribute in mapper.column_attrs:
        row = _row_of(attribute.columns[0])
        if row is None:
            continue
        if row not in mapper.columns:
            raise ConfigurationError(
                f"{mapper.class_.__name__}.{attribute.key} is bound to `{row}`, which is no column",
                fix="name the attribute of the primary key",
            )
        found.append(_Bound(attribute.key, row, mapper.columns[row].type.python_type))
    return tuple(found)


def _pair_new(mapper: Mapper[Any], connection: Any, target: Any) -> None:
    del connection
    for bound in _bound(mapper):
        _pair(target, bound)


def _pair_changed(mapper: Mapper[Any], connection: Any, target: Any) -> None:
    del connection
    for bound in _bound(mapper):
        name, row = bound.name, bound.row
        if get_history(target, name, UNREAD).added:
            _pair(target, bound)
            continue
        is_null = name in target.__dict__ and target.__dict__[name] is None
        if not is_null and get_history(target, row, UNREAD).added:
            raise EncryptedColumnError(
                f"`{row}` changes, to which `{name}` is bound; assign `{name}` anew"
            )


def _pair(target: Any, bound: _Bound) -> None:
    name = bound.name
    value = target.__dict__.get(name)
    if value is not None:
        key = target.__dict__.get(bound.row)
        if key is not None and not isinstance(key, bound.kind):
            raise EncryptedColumnError(f"`{bound.row}` is no {bound.kind.__name__}")
        paired = RowValue(value, row_name(key))
        pending = inspect(target).session.info.setdefault(PENDING, [])
        pending.append((target, name, value))
        target.__dict__[name] = paired


@event.listens_for(Session, "after_flush")
@event.listens_for(Session, "after_soft_rollback")
def _unpair(session: Session, *details: Any) -> None:
    del details
    for target, name, value in session.info.pop(PENDING, ()):
        if isinstance(target.__dict__.get(name), RowValue):
            target.__dict__[name] = value


def _open(target: Any, context: Any, attributes: Any = None) -> None:
    del context, attributes
    state = inspect(target)
    for bound in _bound(state.mapper):
        value = target.__dict__.get(bound.name)
        if isinstance(value, SealedValue):
            key = target.__dict__.get(bound.row)
            if key is None:
                raise DecryptionError
            set_committed_value(target, bound.name, value.open(key))


@event.listens_for(Mapper, "mapper_configured")
def _listen(mapper: Mapper[Any], model: type[Any]) -> None:
    """Only models with such columns are listened to: a load of all others costs nothing more."""
    if any(_row_of(column) is not None for column in mapper.columns):
        event.listen(model, "before_insert", _pair_new)
        event.listen(model, "before_update", _pair_changed)
        event.listen(model, "load", _open)
        event.listen(model, "refresh", _open)
