"""The models of an application: what its routes take and answer, and what its tables hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

from zenith.kernel.sensitive import mark_among, models_in, sensitive_names, with_inner
from zenith.pipeline import RouteEntry, RouteTable
from zenith.query.tables import tables

INPUTS: Final = ("path_params", "query_params", "header_params", "cookie_params", "body_params")


@dataclass(frozen=True, slots=True)
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
    return [_models_of(entry) for entry in RouteTable(app).walk() if _route_of(entry) is not None]


def secret_names(app: Any) -> frozenset[str]:
    """The names of all fields and parameters of the application that are marked as sensitive."""
    routes = routes_of(app)
    named = {
        name
        for route in routes
        for name, hint in route.inputs
        if mark_among(getattr(hint, "__metadata__", ()), hint) is not None and not models_in(hint)
    }
    models: Iterable[type] = [model for route in routes for model in route.models]
    return sensitive_names([*models, *tables()]) | named


def _models_of(entry: RouteEntry) -> RouteModels:
    route = _route_of(entry)
    inputs = tuple(_inputs(getattr(route, "dependant", None)))
    return RouteModels(entry, inputs, getattr(route, "response_model", None))


def _route_of(entry: RouteEntry) -> Any:
    for route in (entry.listed, entry.route):
        if getattr(route, "dependant", None) is not None:
            return route
    return None


def _inputs(dependant: Any) -> Iterator[tuple[str, Any]]:
    if dependant is None:
        return
    for kind in INPUTS:
        for field in getattr(dependant, kind, ()):
            yield field.name, _hint_of(field.field_info)
    for inner in getattr(dependant, "dependencies", ()):
        yield from _inputs(inner)


def _hint_of(info: Any) -> Any:
    """A parameter's type, with what stood beside it."""
    metadata: tuple[Any, ...] = tuple(info.metadata)
    return Annotated[(info.annotation, *metadata)] if metadata else info.annotation
