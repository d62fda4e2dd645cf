"""What sensitive data an application has: where it is kept, how, and where it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from zenith.assembly.data_models import RouteModels, routes_of
from zenith.authorization import Masked
from zenith.encryption.columns import EncryptedType
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.sensitive import SECRET, SensitiveField, inventory, with_inner
from zenith.query.sealing import NAME
from zenith.query.tables import tables

SHOWN: Final = 5
MEANT: Final = "plain_text"
"""In the `info` of a column that is sensitive and stored as it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InventoryLine:
    """One sensitive field of one model (ASVS 14.1.1)."""

    model: str
    table: str
    """Empty where the model has none."""
    field: str
    kind: str
    category: str
    encrypted: bool
    """Whether its column is; False where there is none."""
    indexed: str
    """`blind` for an encrypted column that is found by equality, `plain`, or empty."""
    routes: tuple[str, ...]
    """Routes whose answers hold it as it is."""
    masked: tuple[str, ...]
    """Routes whose answers hold it for some callers only, or stars in its place."""
    shown: bool
    """Whether the repr of its model shows it."""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {name: getattr(self, name) for name in self.__slots__}


def lines_of(app: Any) -> list[InventoryLine]:
    """Every sensitive field of the application's tables and routes, by model and field."""
    routes, stored = routes_of(app), tables()
    named: dict[str, type[Any]] = {}
    for model in with_inner((*stored, *(model for route in routes for model in route.models))):
        named.setdefault(f"{model.__module__}.{model.__qualname__}", model)
    return [
        _line(found, named.get(found.model), routes) for found in inventory(list(named.values()))
    ]


def check_sensitive_columns(*, is_production: bool) -> Sequence[str]:
    """What of the tables is sensitive and kept as it is although nobody has said so; in production
    it raises ConfigurationError (ASVS 11.3.2, 14.2.4).

    A model that names who encrypts means all of its sensitive fields: one that is stored in another
    way raises ConfigurationError everywhere, unless its column says by `info` that it is meant; a
    `sa_type` of its own does not.
    """
    for model in tables():
        if getattr(model, NAME, None) is not None and (left := _open_columns(model)):
            raise ConfigurationError(
                f"{', '.join(left[:SHOWN])}: sensitive, and stored in plain text though the model"
                f" has an `{NAME}`",
                fix="leave sa_type and sa_column out, or give them an encrypted type such as"
                " EncryptedString; if it is meant,"
                f" sa_column_kwargs={{'info': {{'{MEANT}': True}}}}",
            )
    found = [
        each for model in tables() if not hasattr(model, NAME) for each in _open_columns(model)
    ]
    if found and is_production:
        raise ConfigurationError(
            f"{', '.join(found[:SHOWN])}: sensitive, and stored in plain text",
            fix=f"give the model `{NAME}: ClassVar = app.encryption`, or None if that is meant",
        )
    return [f"{each} is sensitive, and stored in plain text" for each in found]


def _open_columns(model: type[Any]) -> list[str]:
    return [
        f"{model.__name__}.{line.field}"
        for line in inventory([model])
        if line.model == f"{model.__module__}.{model.__qualname__}"
        and (column := _column(model, line.field)) is not None
        and not isinstance(column.type, EncryptedType)
        and not column.info.get(MEANT)
    ]


def _line(
    found: SensitiveField, model: type[Any] | None, routes: Sequence[RouteModels]
) -> InventoryLine:
    column = None if model is None else _column(model, found.field)
    kind = getattr(column, "type", None)
    leaving = [route for route in routes if model is not None and _answers(route, model)]
    masked = {id(each) for each in leaving if found.category == SECRET or _is_masked(each)}
    return InventoryLine(
        model=found.model,
        table="" if column is None else str(column.table.name),
        field=found.field,
        kind=found.kind,
        category=found.category,
        encrypted=isinstance(kind, EncryptedType),
        indexed=_index_of(column),
        routes=tuple(_name(each) for each in leaving if id(each) not in masked),
        masked=tuple(_name(each) for each in leaving if id(each) in masked),
        shown=found.is_shown,
    )


def _column(model: type[Any], field: str) -> Any:
    """By the attribute's name, which the column's may differ from."""
    mapper = getattr(model, "__mapper__", None)
    return None if mapper is None else mapper.columns.get(field)


def _index_of(column: Any) -> str:
    if column is None:
        return ""
    if isinstance(column.type, EncryptedType):
        return "blind" if column.type.index is not None else ""
    indexed = column.index or column.unique or column.primary_key
    return "plain" if indexed else ""


def _answers(route: RouteModels, model: type[Any]) -> bool:
    return any(each is model for each in route.answer_models)


def _is_masked(route: RouteModels) -> bool:
    return any(isinstance(mark, Masked) for mark in route.entry.marks)


def _name(route: RouteModels) -> str:
    methods = "|".join(sorted(route.entry.methods - {"HEAD"}))
    return f"{methods} {route.entry.path}"
