"""Foreign keys hold across tenants: the database would accept what its owner cannot see.

Threat: a row that names another tenant's, which tells that it exists, keeps it from being deleted,
or is deleted with it (ASVS 8.4.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    ClauseElement,
    ColumnElement,
    ForeignKeyConstraint,
    Null,
    and_,
    func,
    inspect,
    or_,
    select,
)
from sqlalchemy.orm import InstanceState, ORMExecuteState, Session
from sqlmodel import SQLModel

from zenith.tenants.errors import ForeignReferenceError, TenantError
from zenith.tenants.table import COLUMN, OUT, TenantTable

AT_ONCE: Final = 200
"""References that are looked up by one query."""
ABSENT: Final = object()
Key = tuple[Any, ...]


def check_row(session: Session, row: SQLModel) -> None:
    """Raise ForeignReferenceError for what a flush would refer to and its tenant does not have."""
    state: InstanceState[Any] = inspect(row)
    _check_relations(state, getattr(row, COLUMN))
    for constraint in _constraints(state.mapper.local_table):
        # What is new may have its values without a history.
        values: list[Any] = []
        changed = state.key is None
        for element in constraint.elements:
            attribute = state.attrs[state.mapper.get_property_by_column(element.parent).key]
            changed = changed or attribute.history.has_changes()
            values.append(attribute.value)
        if changed and not any(value is None for value in values):
            _check(session, constraint, [tuple(values)])


def _check_relations(state: InstanceState[Any], tenant: str) -> None:
    """Keys that are only known within the flush: those of objects, which may be of elsewhere."""
    for relation in state.mapper.relationships:
        if isinstance(relation.mapper.local_table, TenantTable):
            added: Sequence[Any] = state.attrs[relation.key].history.added or ()
            for each in added:
                if each is not None and inspect(each).key and getattr(each, COLUMN) != tenant:
                    raise ForeignReferenceError(
                        reason=f"{state.mapper.class_.__name__}.{relation.key} is another tenant's"
                    )


def check_values(state: ORMExecuteState) -> None:
    """The same for an INSERT or UPDATE of a table; TenantError where it names its tenant, or where
    what it refers to is known to the database alone.
    """
    statement: Any = state.statement
    table = getattr(statement, "table", None)
    if not isinstance(table, TenantTable):
        return
    values: dict[Any, Any] = getattr(statement, "_values", None) or {}
    told = {_name(key): value for key, value in values.items()}
    given: Any = state.parameters or {}
    rows: list[dict[str, Any]] = [given] if isinstance(given, dict) else list(given)
    if COLUMN in told or any(COLUMN in row for row in rows):
        raise TenantError(f"a statement sets `{COLUMN}`", fix=OUT)
    for constraint in _constraints(table):
        names = [_names_of(state, element.parent) for element in constraint.elements]
        keys = dict.fromkeys(key for row in rows if (key := _key(names, told, row)) is not None)
        if keys:
            if state.session.autoflush:
                state.session.flush()
            _check(state.session, constraint, list(keys))


def _constraints(table: Any) -> Iterator[ForeignKeyConstraint]:
    if isinstance(table, TenantTable):
        for constraint in table.foreign_key_constraints:
            if isinstance(constraint.referred_table, TenantTable):
                yield constraint


def _name(key: Any) -> str:
    return str(getattr(key, "key", key))


def _names_of(state: ORMExecuteState, column: Any) -> frozenset[str]:
    """A statement may name a column, or the attribute that it is mapped to."""
    mapper = state.bind_mapper
    mapped = () if mapper is None else (mapper.get_property_by_column(column).key,)
    return frozenset((column.key, column.name, *mapped))


def _key(
    names: Sequence[frozenset[str]], told: Mapping[str, Any], row: Mapping[str, Any]
) -> Key | None:
    """What one row refers to; None where it refers to nothing, or leaves that as it is."""
    values = {**told, **row}
    found = [next((values[name] for name in each if name in values), ABSENT) for each in names]
    if all(value is ABSENT for value in found):
        return None
    if any(value is ABSENT for value in found):
        raise TenantError(
            "a statement sets a part of a reference", fix="set all of its columns, or load the row"
        )
    plain = [_plain(value, row) for value in found]
    return None if any(value is None for value in plain) else tuple(plain)


def _plain(value: Any, row: Mapping[str, Any]) -> Any:
    if isinstance(value, BindParameter):
        return row.get(value.key, value.effective_value)
    if isinstance(value, Null):
        return None
    if isinstance(value, ClauseElement):
        raise TenantError(
            "a statement computes what a row refers to, and whose that is nobody knows",
            fix="give the value, or load the row and change it",
        )
    return value


def _check(session: Session, constraint: ForeignKeyConstraint, keys: Sequence[Key]) -> None:
    columns = [element.column for element in constraint.elements]
    for start in range(0, len(keys), AT_ONCE):
        part = keys[start : start + AT_ONCE]
        wanted: list[ColumnElement[bool]] = [
            and_(*(column == value for column, value in zip(columns, key, strict=True)))
            for key in part
        ]
        found = select(*columns).where(or_(*wanted)).distinct().subquery()
        if session.connection().scalar(select(func.count()).select_from(found)) != len(part):
            names = ", ".join(constraint.column_keys)
            raise ForeignReferenceError(
                reason=f"{constraint.table.name}.{names} names what is not the tenant's"
            )
