"""Checked input for handlers, on `Zenith` and on plain FastAPI."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar, cast

from fastapi import Depends, FastAPI, HTTPException, Request, params
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from zenith.kernel.errors import SecurityError, ValidationError
from zenith.validation.checks import AT_ONCE, NO_CONTEXT, WITHIN, check
from zenith.validation.errors import ChecksTimeoutError, Fault, fault

M = TypeVar("M", bound=BaseModel)
UNPROCESSABLE: Final = 422
MAX_FAULTS: Final = 50
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

if TYPE_CHECKING:
    Validated = Annotated[M, "validated"]
else:

    class Validated:
        """`user: Validated[UserInput]`: the body as that model, its asynchronous validators run."""

        def __class_getitem__(cls, model: type[BaseModel]) -> Any:
            return Annotated[model, Depends(validated(model))]


def validated(
    model: type[M],
    source: Any = None,
    *,
    name: str | None = None,
    within: float = WITHIN,
    at_once: int = AT_ONCE,
    context: Mapping[str, Any] = NO_CONTEXT,
) -> Callable[..., Any]:
    """A dependency that gives a valid `model`; `Validated[UserInput]` is short for it.

    `source` says where it is read from (`Form()`, `Query()`); the body if left out. `name` is the
    key under which it stands where a route has several bodies; by default the model's name in
    snake_case. `within` (seconds), `at_once` and `context` are those of `check`. What does not hold
    is answered like any other invalid input; what could not be checked in time is a 503.
    """
    key = name or _HUMP.sub("_", model.__name__).lower()
    place = _place_of(source)

    async def dependency(request: Request, **given: Any) -> Any:
        value = cast("M", given[key])
        embedded = place == "body" and _has_several_bodies(request)
        at = (place, key) if embedded else (place,)
        try:
            await check(value, at=at, within=within, at_once=at_once, context=context)
        except ValidationError as error:
            raise RequestValidationError(list(error.errors)) from None
        except ChecksTimeoutError as error:
            if SecurityError in request.app.exception_handlers:
                raise
            raise HTTPException(
                error.status, detail=error.detail, headers=dict(error.headers)
            ) from None
        return value

    annotation: Any = model if source is None else Annotated[model, source]
    return _with_parameters(dependency, {"request": Request, key: annotation})


def _with_parameters(
    dependency: Callable[..., Any], annotations: Mapping[str, Any]
) -> Callable[..., Any]:
    """What FastAPI reads: it looks at the signature, not at the code."""
    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(name, kind, annotation=annotation)
        for name, annotation in annotations.items()
    ]
    setattr(dependency, "__signature__", inspect.Signature(parameters))  # noqa: B010
    return dependency


def answer_without_values(app: FastAPI) -> None:
    """Let a plain FastAPI application answer invalid input without repeating it (ASVS 14.2.1), and
    what `unique` and `check` refuse as a 422. `Zenith` does so anyway.
    """
    app.exception_handlers[RequestValidationError] = _invalid
    app.exception_handlers[ValidationError] = _invalid


async def _invalid(request: Request, error: Exception) -> Response:
    del request
    errors: Sequence[Any] = ()
    if isinstance(error, RequestValidationError):
        errors = error.errors()
    elif isinstance(error, ValidationError):
        errors = error.errors
    faults = [_without_value(each) for each in errors[:MAX_FAULTS]]
    return JSONResponse({"detail": faults}, status_code=UNPROCESSABLE)


def _without_value(error: Any) -> Fault:
    if isinstance(error, str):
        return fault((), "invalid", error)
    return fault(error["loc"], error["type"], error["msg"])


def _place_of(source: Any) -> str:
    kinds = ((params.Query, "query"), (params.Header, "header"), (params.Cookie, "cookie"))
    return next((place for kind, place in kinds if isinstance(source, kind)), "body")


def _has_several_bodies(request: Request) -> bool:
    """Whether the bodies of the route stand each under its own name."""
    return bool(getattr(request.scope.get("route"), "_embed_body_fields", False))
