"""The columns of a model: which may be named, what their values are, who may write them.

Everything else asks here, so that what is sensitive is read in one place.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias, cast

from sqlalchemy import Column as TableColumn
from sqlalchemy import inspect
from sqlalchemy.orm import ColumnProperty, InstrumentedAttribute, Mapper
from sqlmodel import SQLModel

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass
from zenith.kernel.sensitive import mark_among, mark_in_bases
from zenith.query.values import Check, Kind, kind_of

Exposure: TypeAlias = Literal["open", "hidden", "sensitive"]
NULLABLE: Final = frozenset({"is_null"})
NONE: Final[frozenset[str]] = frozenset()
INFO: Final = "zenith"
"""Key in a column's `info` under which its exposure may stand."""


@dataclass(frozen=True, slots=True)
class Marker:
    """What an annotation says of a column: `password_hash: Annotated[str, sensitive]`."""

    exposure: Exposure


hidden: Final = Marker("hidden")
"""A column that clients know nothing of: its name in a filter or a sort order is refused."""
sensitive: Final = Marker("sensitive")
"""The same, for what is secret: not even its owner is shown it."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column, as queries see it."""

    name: str
    attribute: InstrumentedAttribute[Any]
    exposure: Exposure
    kind: Kind | None
    """What its values are; None where they cannot be compared by value, as JSON."""
    nullable: bool
    is_key: bool

    @property
    def is_open(self) -> bool:
        """Whether its name may come from outside."""
        return self.exposure == "open"

    @property
    def check(self) -> Check:
        """What checks a value that is not None."""
        if self.kind is None:
            raise ValueError(f"`{self.name}` cannot be compared by value; use an expression")
        return self.kind.check


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one model by name."""

    model: type[SQLModel]
    by_name: Mapping[str, Column]
    keys: tuple[Column, ...]
    """The primary key."""
    writable: frozenset[str]
    filterable: Mapping[str, frozenset[str]]
    """What clients may filter by, and with which operators."""
    sortable: frozenset[str]
    version: Column | None
    """Counts the changes of a row, where the model has such a column."""

    def named(self, name: str) -> Column:
        """The open column `name`; raises ValueError for all others, in the same words: that a
        hidden column exists is hidden too.
        """
        column = self.by_name.get(name)
        if column is None or column.exposure != "open":
            raise unknown(self.model, name)
        return column


def unknown(model: type[SQLModel], name: str) -> ValueError:
    """The error for a name that is no open column. `name` may be anybody's, so it is cut."""
    shown = name if name.isidentifier() and len(name) <= MAX_SHOWN else "that name"
    return ValueError(f"{model.__name__} has no column `{shown}` to query by")


MAX_SHOWN: Final = 63


def columns_of(model: type[SQLModel]) -> Columns:
    """The columns of `model`; raises ConfigurationError for declarations that name none."""
    return _columns_of(cast("Any", model))


@functools.cache
def _columns_of(model: Any) -> Columns:
    mapper: Mapper[Any] = inspect(model)
    version = mapper.version_id_col
    found: dict[str, Column] = {}
    versioned: Column | None = None
    for attribute in mapper.column_attrs:
        column = _column(model, attribute)
        if column is not None:
            found[column.name] = column
            if attribute.columns[0] is version:
                versioned = column
    keys = tuple(column for column in found.values() if column.is_key)
    names = _Declared(model, found)
    return Columns(
        model=model,
        by_name=MappingProxyType(found),
        keys=keys,
        writable=names.of("__writable__"),
        filterable=MappingProxyType(names.operators()),
        sortable=names.of("__sortable__"),
        version=versioned,
    )


def _column(model: type[SQLModel], attribute: ColumnProperty[Any]) -> Column | None:
    column = attribute.columns[0]
    if not isinstance(column, TableColumn):
        return None
    return Column(
        name=attribute.key,
        attribute=getattr(model, attribute.key),
        exposure=exposure_of(model, attribute.key, column),
        kind=kind_of(column.type),
        nullable=bool(column.nullable),
        is_key=column.primary_key,
    )


def exposure_of(model: type[SQLModel], name: str, column: TableColumn[Any]) -> Exposure:
    """Who may name a column: what its annotation says, or the `info` of its table's column. What
    is left out of every answer (`Field(exclude=True)`) is hidden.
    """
    told = [column.info.get(INFO)]
    field = model.model_fields.get(name)
    if field is not None:
        mark = mark_among(field.metadata, field.annotation) or mark_in_bases(model, name)
        told += [each.exposure for each in field.metadata if isinstance(each, Marker)]
        told += [] if mark is None else ["sensitive"]
        told += ["hidden"] if field.exclude else []
    for exposure in ("sensitive", "hidden"):
        if exposure in told:
            return exposure
    return "open"


class _Declared:
    """What a model declares about its columns, checked."""

    def __init__(self, model: type[SQLModel], columns: Mapping[str, Column]) -> None:
        self._model: Final = model
        self._columns: Final = columns

    def of(self, declaration: str) -> frozenset[str]:
        names = frozenset(getattr(self._model, declaration, ()))
        self._check(declaration, names)
        return names

    def operators(self) -> dict[str, frozenset[str]]:
        declared: Any = getattr(self._model, "__filterable__", ())
        self._check("__filterable__", frozenset(declared))
        found: dict[str, frozenset[str]] = {}
        for name in declared:
            kind, nullable = self._columns[name].kind, self._columns[name].nullable
            if kind is None:
                raise ConfigurationError(
                    f"{self._model.__name__}.__filterable__ names `{name}`, whose values cannot be "
                    "compared",
                    fix="leave it out",
                )
            possible: frozenset[str] = kind.operators | (NULLABLE if nullable else NONE)
            wanted: frozenset[str] = possible - kind.costly
            if isinstance(declared, Mapping):
                wanted = frozenset(cast("Mapping[str, Collection[str]]", declared)[name])
            if foreign := wanted - possible:
                raise ConfigurationError(
                    f"{self._model.__name__}.__filterable__ gives `{name}` the operator "
                    f"`{min(foreign)}`",
                    fix="choose among " + ", ".join(sorted(possible)),
                )
            found[name] = wanted
        return found

    def _check(self, declaration: str, names: frozenset[str]) -> None:
        for name in sorted(names):
            column = self._columns.get(name)
            if column is None:
                raise ConfigurationError(
                    f"{self._model.__name__}.{declaration} names `{name}`, which is no column",
                    fix="choose among " + ", ".join(self._columns),
                )
            if not column.is_open and declaration != "__writable__":
                raise ConfigurationError(
                    f"{self._model.__name__}.{declaration} names `{name}`, which is "
                    f"{column.exposure}",
                    fix="leave it out, or make the column open",
                )
