"""FastAPI's handler of a route, without what FastAPI puts around each."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias, cast

from fastapi.dependencies.models import Dependant
from fastapi.params import Form
from starlette.requests import Request
from starlette.responses import Response

BUILDER: Final = ("fastapi.routing", "request_response.<locals>.app")
Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


def handler_of(route: Any) -> Handler | None:
    """FastAPI's handler of a route, where nothing stands between the two that must be closed.

    None for routes of other kinds, for forms, whose files are closed at the end, and where a
    dependency is, or may be, a generator.
    """
    app = getattr(route, "app", None)
    if (getattr(app, "__module__", ""), getattr(app, "__qualname__", "")) != BUILDER:
        return None
    dependant = getattr(route, "dependant", None)
    if not isinstance(dependant, Dependant) or not all(map(_is_plain, _tree(dependant))):
        return None
    found: Handler | None = inspect.getclosurevars(cast(Handler, app)).nonlocals.get("f")
    return found


def _tree(dependant: Dependant) -> list[Dependant]:
    return [dependant, *(found for each in dependant.dependencies for found in _tree(each))]


def _is_plain(dependant: Dependant) -> bool:
    call: Any = dependant.call
    if not (inspect.isroutine(call) or inspect.isclass(call)):
        call = getattr(type(call), "__call__", None)  # noqa: B004  what an object does when called
    plain = inspect.unwrap(call)
    return (
        (inspect.isfunction(plain) or inspect.isclass(plain))
        and not (inspect.isgeneratorfunction(plain) or inspect.isasyncgenfunction(plain))
        and not any(isinstance(each.field_info, Form) for each in dependant.body_params)
    )
