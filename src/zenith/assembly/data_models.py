"""The models of an application: what its routes take and answer, and what its tables hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

from zenith.kernel.records import dataclass
from zenith.kernel.sensitive import mark_among, models_in, sensitive_names, with_inner
from zenith.pipeline import RouteEntry, RouteTable
from zenith.pipeline.routes import declaring_routes
from zenith.query.tables import tables

INPUTS: Final = ("path_params", "query_params", "header_params", "cookie_params", "body_params")


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteModels:
    """What one route takes and answers."""

    entry: RouteEntry
    inputs: tuple[tuple[str, Any], ...]
    """Names and types of what it takes."""
    answers: Any
    """The type of what it answers; None where nothing says so."""

    @property
    def models(self) -> Iterator[type]:
        """All of their models."""
        for _, hint in self.inputs:
            yield from models_in(hint)
        yield from models_in(self.answers)

    @property
    def answer_models(self) -> frozenset[type]:
        """The models of what it answers, those within others too."""
        return frozenset(with_inner(models_in(self.answers)))


def routes_of(app: Any) -> list[RouteModels]:
    """Every route that declares what it takes."""
    return [
        RouteModels(entry=entry, inputs=tuple(_inputs(entry.dependant)), answers=entry.answers)
        for entry in RouteTable(app).walk()
        if entry.dependant is not None
    ]


def secret_names(app: Any) -> frozenset[str]:
    """The names of all fields and parameters of the application that are marked as sensitive.

    Asked at each start: routes that take and answer the same are looked at once.
    """
    named: set[str] = set()
    models: dict[type, None] = dict.fromkeys(tables())
    seen: dict[tuple[str, int], Any] = {}
    for route in declaring_routes(app):
        answers = getattr(route, "response_model", None)
        inputs = ((field.alias, field.name, _hint_of(field)) for field in _fields(route.dependant))
        for alias, name, hint in (*inputs, ("", "", answers)):
            if (alias, id(hint)) in seen:
                continue
            # Kept beside its number, which would else be given to another.
            seen[alias, id(hint)] = hint
            found = models_in(hint)
            models.update(dict.fromkeys(found))
            if name and not found and mark_among(getattr(hint, "__metadata__", ()), hint):
                named.update((alias, name))
    return sensitive_names(models) | named


def _inputs(dependant: Any) -> Iterator[tuple[str, Any]]:
    for field in _fields(dependant):
        yield field.name, _hint_of(field)


def _fields(dependant: Any) -> Iterator[Any]:
    if dependant is None:
        return
    for kind in INPUTS:
        yield from getattr(dependant, kind, ())
    for inner in getattr(dependant, "dependencies", ()):
        yield from _fields(inner)


def _hint_of(field: Any) -> Any:
    """A parameter's type, with what stood beside it."""
    info = field.field_info
    metadata: tuple[Any, ...] = tuple(info.metadata)
    return Annotated[(info.annotation, *metadata)] if metadata else info.annotation
