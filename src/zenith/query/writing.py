"""Which columns may be written, and with what.

Threat: mass assignment (OWASP API3, ASVS 15.3.3): a client that adds `"role": "admin"` to what it
sends, and a handler that passes all of it on.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError as PydanticError
from sqlmodel import SQLModel

from zenith.kernel.errors import ConfigurationError
from zenith.query.columns import Column, Columns
from zenith.query.errors import fault, invalid

REFUSED: Final = "This cannot be set"


def check_names(
    columns: Columns, own: Mapping[str, object] | None, data: Mapping[str, Any]
) -> None:
    """Refuse names in `data` that are not declared as writable, all alike, whether there is such a
    column or not; raises ValidationError. `own` is code's: a name that is no column is a mistake.
    """
    if data and not columns.writable:
        raise ConfigurationError(
            f"{columns.model.__name__} declares no writable columns",
            fix='name them: __writable__ = {"title", "body"}; or pass what code itself decides '
            "in a dictionary before the data",
        )
    if foreign := [name for name in data if name not in columns.writable]:
        faults = [fault("body", name, REFUSED, kind="extra_forbidden") for name in foreign]
        raise invalid(faults, reason=f"{len(foreign)} columns that may not be written")
    for name in own or ():
        if name not in columns.by_name:
            raise ValueError(f"{columns.model.__name__} has no column `{name}`")


def checked_changes(
    columns: Columns,
    own: Mapping[str, object] | None,
    data: Mapping[str, Any],
    row: SQLModel | None = None,
) -> dict[str, Any]:
    """The new values, as the model and its validators want them; raises ValidationError for those
    that do not fit, and for names that may not be written. `row` is what is changed, where one is.
    """
    check_names(columns, own, data)
    model = columns.model
    # A copy that no session knows: what does not fit must not reach the row.
    scratch = model.__new__(model)
    held: dict[str, Any] = {} if row is None else _values(columns, row)
    object.__setattr__(scratch, "__dict__", held)
    changes: dict[str, Any] = {}
    faults: list[dict[str, Any]] = []
    for name, value in {**data, **(own or {})}.items():
        column = columns.by_name[name]
        try:
            model.__pydantic_validator__.validate_assignment(scratch, name, value)
            changes[name] = stored(column, scratch.__dict__[name])
        except PydanticError as error:
            faults += faults_of(error)
        except ValueError as error:
            faults.append(fault("body", name, f"It {error}", kind="value_error"))
    if faults:
        raise invalid(faults)
    return changes


def stored(column: Column, value: Any) -> Any:
    """`value` as it is stored: a point in time in UTC, for SQLite keeps no offsets. Raises
    ValueError for what a driver cannot carry.
    """
    kind = column.kind
    if isinstance(value, datetime) and kind is not None:
        if kind.has_offset and value.tzinfo is not None:
            return value.astimezone(UTC)
        if not kind.has_offset and value.tzinfo is not None:
            raise ValueError("is no date and time without an offset")
    if isinstance(value, str) and "\0" in value:
        raise ValueError("holds a NUL")
    if isinstance(value, int | float) and kind is not None:
        return kind.check(value)
    return value


def faults_of(error: PydanticError) -> list[dict[str, Any]]:
    """Pydantic's faults in FastAPI's shape, without the values, which may be secret."""
    return [
        {
            "type": each["type"],
            "loc": ["body", *(str(part)[:100] for part in each["loc"])],
            "msg": each["msg"],
        }
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def _values(columns: Columns, row: SQLModel) -> dict[str, Any]:
    return {name: getattr(row, name) for name in columns.by_name}
