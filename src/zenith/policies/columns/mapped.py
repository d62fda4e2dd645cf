"""What columns a mapped class has, and what kind of values each gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy.exc import NoInspectionAvailable
from sqlalchemy.orm import ColumnProperty, Mapper
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from zenith.policies.columns.domains import BooleanColumn, DomainColumn
from zenith.policies.columns.moments import (
    MomentColumn,
    TimeColumn,
    UtcMomentColumn,
    ZonedMomentColumn,
)
from zenith.policies.columns.numbers import DecimalColumn, FloatColumn, IntegerColumn
from zenith.policies.columns.texts import TextColumn
from zenith.policies.columns.values import BytesColumn, Column, DateColumn, UuidColumn
from zenith.policies.errors import PolicyError

EACH: Final = "decide on each object, or keep the fact in a column of a simple type"


def column_of(model: Any, path: tuple[str, ...]) -> Column | None:
    """The column behind an attribute of `model`, a mapped class or an alias of one. None where its
    rows have no such attribute; raises PolicyError where they may have one that is no column.
    """
    found = _inspect(model)
    mapper: Mapper[Any] = found.mapper
    name = path[0]
    if name not in mapper.attrs:
        _check_absent(mapper, name)
        return None
    attribute = mapper.attrs[name]
    if not isinstance(attribute, ColumnProperty) or not isinstance(attribute.columns[0], sa.Column):
        raise PolicyError(f"`{name}` of {mapper.class_.__name__} is no plain column", fix=EACH)
    column = _typed(getattr(model, name), attribute.columns[0].type, mapper, name)
    if len(path) == 1:
        return column
    if type(column) is DomainColumn:
        raise PolicyError(f"`{name}` of {mapper.class_.__name__} has no columns within", fix=EACH)
    return None


def _inspect(model: Any) -> Any:
    try:
        found: Any = sa.inspect(model)
    except NoInspectionAvailable:
        found = None
    if not isinstance(getattr(found, "mapper", None), Mapper) or not hasattr(found, "selectable"):
        raise PolicyError(
            f"{model!r:.100} is no mapped class", fix="give a model with a table, or its alias"
        )
    return found


def _check_absent(mapper: Mapper[Any], name: str) -> None:
    """Nothing that reading a row could find: not in a subclass, and not on the class itself."""
    for each in mapper.self_and_descendants:
        stored: object = next(
            (base.__dict__[name] for base in each.class_.__mro__ if name in base.__dict__), None
        )
        plain = stored is not None and not hasattr(type(stored), "__get__")
        if plain or name in each.attrs:
            raise PolicyError(
                f"`{name}` of {mapper.class_.__name__} is no column of every row",
                fix="filter on the class that has the column, or decide on each object",
            )


def _typed(expression: Any, declared: Any, mapper: Mapper[Any], name: str) -> Column:
    make = _KINDS.get(type(cast(object, declared)))
    variants: Mapping[str, Any] = getattr(declared, "_variant_mapping", {})
    column = None if make is None else make(expression, declared)
    if column is None or any(
        _KINDS.get(type(cast(object, variant))) is not make for variant in variants.values()
    ):
        raise PolicyError(
            f"how databases compare `{name}` of {mapper.class_.__name__}, a column of type "
            f"{declared!r:.100}, is not known",
            fix=EACH,
        )
    return column


def _text(expression: Any, declared: Any) -> Column:
    del declared
    return TextColumn(expression)


def _integer(expression: Any, declared: Any) -> Column:
    del declared
    return IntegerColumn(expression)


def _float(expression: Any, declared: Any) -> Column | None:
    return None if declared.asdecimal else FloatColumn(expression)


def _decimal(expression: Any, declared: Any) -> Column | None:
    places = declared.decimal_return_scale
    if not declared.asdecimal or places not in {None, declared.scale}:
        return None
    return DecimalColumn(expression, declared.precision, declared.scale)


def _boolean(expression: Any, declared: Any) -> Column:
    del declared
    return BooleanColumn(expression)


def _enum(expression: Any, declared: Any) -> Column | None:
    stored: list[str] = declared.enums
    if declared.enum_class is None:
        return DomainColumn(expression, stored)
    members: tuple[Any, ...] = tuple(declared.enum_class)
    # SQLAlchemy looks members up by equality: a text that is another's name would be that one.
    if any(each in stored and stored.index(each) != n for n, each in enumerate(members)):
        return None
    return DomainColumn(expression, members)


def _moment(expression: Any, declared: Any) -> Column:
    return ZonedMomentColumn(expression) if declared.timezone else MomentColumn(expression)


def _utc_moment(expression: Any, declared: Any) -> Column:
    del declared
    return UtcMomentColumn(expression)


def _time(expression: Any, declared: Any) -> Column | None:
    return None if declared.timezone else TimeColumn(expression)


def _date(expression: Any, declared: Any) -> Column:
    del declared
    return DateColumn(expression)


def _uuid(expression: Any, declared: Any) -> Column | None:
    return UuidColumn(expression) if declared.as_uuid else None


def _bytes(expression: Any, declared: Any) -> Column:
    del declared
    return BytesColumn(expression)


# Exactly these types: what a subclass makes of values on their way is its own business.
_KINDS: Final[Mapping[type, Callable[[Any, Any], Column | None]]] = {
    **dict.fromkeys(
        (sa.String, sa.Text, sa.Unicode, sa.UnicodeText, sa.VARCHAR, sa.TEXT, AutoString), _text
    ),
    **dict.fromkeys(
        (sa.Integer, sa.SmallInteger, sa.BigInteger, sa.INTEGER, sa.SMALLINT, sa.BIGINT), _integer
    ),
    **dict.fromkeys(
        (sa.Float, sa.Double, sa.FLOAT, sa.DOUBLE, sa.DOUBLE_PRECISION, sa.REAL), _float
    ),
    **dict.fromkeys((sa.Numeric, sa.NUMERIC, sa.DECIMAL), _decimal),
    **dict.fromkeys((sa.Boolean, sa.BOOLEAN), _boolean),
    sa.Enum: _enum,
    **dict.fromkeys((sa.DateTime, sa.DATETIME, sa.TIMESTAMP), _moment),
    UTCDateTime: _utc_moment,
    **dict.fromkeys((sa.Date, sa.DATE), _date),
    **dict.fromkeys((sa.Time, sa.TIME), _time),
    **dict.fromkeys((sa.Uuid, sa.UUID), _uuid),
    sa.LargeBinary: _bytes,
}
