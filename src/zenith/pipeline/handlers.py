"""FastAPI's handlers, and what they do for the simplest endpoints without what others need.

FastAPI's handler serves forms, streams, generators, dependencies and telemetry, and finds out with
each request which of them it has before it. For an endpoint with none of them it is found out once.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from email.message import Message
from enum import Enum
from functools import lru_cache
from types import FunctionType
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

import fastapi
from fastapi import routing
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_body_to_args, request_params_to_args
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from fastapi.params import Form
from fastapi.utils import is_body_allowed_for_status_code
from pydantic_core import PydanticUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

KNOWN: Final = frozenset({"0.165.0"})
"""Versions of FastAPI whose handler is known line by line; others keep their own."""
BUILDER: Final = ("fastapi.routing", "request_response.<locals>.app")
HANDLER: Final = ("fastapi.routing", "get_request_handler.<locals>.app")
STACKS: Final = (
    "fastapi_middleware_astack",
    "fastapi_inner_astack",
    "fastapi_function_astack",
)
SOURCES: Final = {
    "path_params": "path_params",
    "query_params": "query_params",
    "header_params": "headers",
    "cookie_params": "cookies",
}
"""Where FastAPI reads parameters of each kind, in its order."""
SHAPE: Final = (
    "include",
    "exclude",
    "by_alias",
    "exclude_unset",
    "exclude_defaults",
    "exclude_none",
)
STEPS: Final = (
    "run_endpoint_function",
    "serialize_response",
    "solve_dependencies",
    "get_telemetry_data",
    "_extract_endpoint_context",
)
"""What FastAPI's handler calls, and what this module calls for it."""
JSON: Final = "application/json"
SINGLE: Final = frozenset({str, int, float, bool, UUID, Decimal, date, datetime, time, timedelta})
"""Kinds of parameters that are one value; of others FastAPI may read several."""
describe: Final[Any] = vars(routing).get("_extract_endpoint_context")
Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


def handler_of(route: Any) -> Handler | None:
    """FastAPI's handler of a route, where nothing stands between the two that must be closed.

    None for routes of other kinds, for forms, whose files are closed at the end, and where a
    dependency is, or may be, a generator.
    """
    app = getattr(route, "app", None)
    if _name(app) != BUILDER:
        return None
    dependant = getattr(route, "dependant", None)
    if not isinstance(dependant, Dependant) or not all(map(_is_plain, _tree(dependant))):
        return None
    found: Handler | None = inspect.getclosurevars(cast(Handler, app)).nonlocals.get("f")
    return found and EndpointCall.instead_of(found)


def _name(function: Any) -> tuple[str, str]:
    return getattr(function, "__module__", ""), getattr(function, "__qualname__", "")


def _tree(dependant: Dependant) -> list[Dependant]:
    return [dependant, *(found for each in dependant.dependencies for found in _tree(each))]


def _is_plain(dependant: Dependant) -> bool:
    call: Any = dependant.call
    if not (inspect.isroutine(call) or inspect.isclass(call)):
        kind = cast("type[object]", type(call))
        call = getattr(kind, "__call__", None)  # noqa: B004  what an object does when called
    plain: Any = inspect.unwrap(call)
    return (
        (inspect.isfunction(plain) or inspect.isclass(plain))
        and not (inspect.isgeneratorfunction(plain) or inspect.isasyncgenfunction(plain))
        and not any(isinstance(each.field_info, Form) for each in dependant.body_params)
    )


class EndpointCall:
    """FastAPI's handler of a coroutine that depends on nothing and answers with one value: the
    same steps in the same order, by FastAPI's own functions, and without its exit stacks.

    `dependant` and `built` are what FastAPI's handler was built from.
    """

    __slots__ = (
        "_body_fields",
        "_built",
        "_call",
        "_dependant",
        "_document",
        "_encodes",
        "_field",
        "_has_body",
        "_parameters",
        "_requests",
        "_shape",
        "_status",
        "_usual",
        "needs_request",
    )

    def __init__(self, usual: Handler, dependant: Dependant, built: Mapping[str, Any]) -> None:
        self._usual: Final = usual
        self._dependant: Final = dependant
        self._built: Final = built
        self._call: Final[Any] = dependant.call
        self._has_body: Final = bool(built["body_field"])
        self._body_fields: Final = dependant.body_params
        self._document: Final = _document(dependant, built)
        self._parameters: Final = tuple(
            (source, [(field, _alias_of(field)) for field in fields])
            for kind, source in SOURCES.items()
            if (fields := getattr(dependant, kind))
        )
        named = (dependant.http_connection_param_name, dependant.request_param_name)
        self._requests: Final = tuple(filter(None, named))
        self.needs_request: Final = bool(self._requests or dependant.query_params)
        self._field: Final = built["response_field"]
        self._shape: Final = {name: built[f"response_model_{name}"] for name in SHAPE}
        status = built["status_code"]
        self._status: Final = {"status_code": status} if status else {}
        self._encodes: Final = self._field is not None and isinstance(
            built["response_class"], DefaultPlaceholder
        )

    @classmethod
    def instead_of(cls, usual: Handler) -> Handler:
        """A handler that does the same; `usual` itself where anything about it is not as known."""
        built = _built_from(usual)
        return cls(usual, built["dependant"], built) if built and _is_simple(built) else usual

    async def __call__(self, request: Request) -> Response:
        body: Any = PydanticUndefined
        if self._has_body and (data := await _read(request)):
            try:
                kind = request.headers.get("content-type")
                is_json = _is_json(kind) if kind else not self._built["actual_strict_content_type"]
                body = await request.json() if is_json else data
            except Exception:  # noqa: BLE001  what is wrong with the body, FastAPI says itself
                return await self._as_usual(request)
        values = await self._solve(request, body)
        answer = await self._call(**values)
        return answer if isinstance(answer, Response) else self._respond(request, answer)

    async def _solve(self, request: Request, body: Any) -> dict[str, Any]:
        """The arguments of the endpoint; raises RequestValidationError with all that is wrong."""
        values: dict[str, Any] = {}
        errors: list[Any] = []
        for source, fields in self._parameters:
            received = getattr(request, source)
            for field, alias in fields:
                value = received.get(alias) if alias else None
                if value is None:
                    found, wrong = request_params_to_args((field,), received)
                    values.update(found)
                else:
                    loc = (field.field_info.in_.value, alias)
                    values[field.name], wrong = field.validate(value, values, loc=loc)
                errors += wrong
        if self._body_fields:
            if self._document is None or body is PydanticUndefined:
                found, wrong = await request_body_to_args(
                    body_fields=self._body_fields,
                    received_body=body,
                    embed_body_fields=self._built["embed_body_fields"],
                )
                values.update(found)
            else:
                field = self._document
                values[field.name], wrong = field.validate(body, {}, loc=("body",))
            errors += wrong
        if errors:
            raise RequestValidationError(
                errors,
                body=None if body is PydanticUndefined else body,
                endpoint_ctx=self._context(request),
            )
        for name in self._requests:
            values[name] = request
        return values

    def _respond(self, request: Request, answer: Any) -> Response:
        field = self._field
        if field is None:
            return self._answer(jsonable_encoder(answer))
        value, wrong = field.validate(answer, {}, loc=("response",))
        if wrong:
            raise ResponseValidationError(
                errors=wrong, body=answer, endpoint_ctx=self._context(request)
            )
        if not self._encodes:
            return self._answer(field.serialize(value, **self._shape))
        content = field.serialize_json(value, **self._shape)
        return Response(content, media_type=JSON, **self._status)

    def _answer(self, content: Any) -> Response:
        kind = self._built["actual_response_class"]
        response: Response = kind(content, background=None, **self._status)
        if not is_body_allowed_for_status_code(response.status_code):
            response.body = b""
        return response

    def _context(self, request: Request) -> Any:
        """What FastAPI tells of the endpoint in errors."""
        context = describe(self._call)
        root = request.scope.get("root_path", "").rstrip("/")
        context["path"] = f"{request.method} {root}{self._dependant.path}"
        return context

    async def _as_usual(self, request: Request) -> Response:
        async with AsyncExitStack() as stack:
            request.scope.update(dict.fromkeys(STACKS, stack))
            return await self._usual(request)


def _built_from(handler: Any) -> dict[str, Any] | None:
    """What FastAPI's handler closes over; None where it, or what it calls, is not FastAPI's own."""
    if (
        fastapi.__version__ not in KNOWN
        or _name(handler) != HANDLER
        or not all(map(_is_original, STEPS))
    ):
        return None
    cells = cast(FunctionType, handler).__closure__ or ()
    names = cast(FunctionType, handler).__code__.co_freevars
    return {name: cell.cell_contents for name, cell in zip(names, cells, strict=True)}


def _is_original(name: str) -> bool:
    """Whether what FastAPI calls by `name` is its own: tools that watch it put theirs there."""
    found = getattr(routing, name, None)
    return (
        isinstance(found, FunctionType)
        and not hasattr(found, "__wrapped__")
        and (found.__module__.partition(".")[0] == "fastapi")
    )


def _is_simple(built: Mapping[str, Any]) -> bool:
    dependant: Dependant = built["dependant"]
    return built["is_coroutine"] and not any(
        (
            built["is_sse_stream"],
            built["is_json_stream"],
            built["is_body_form"],
            dependant.dependencies,
            dependant.websocket_param_name,
            dependant.response_param_name,
            dependant.background_tasks_param_name,
            dependant.security_scopes_param_name,
        )
    )


async def _read(request: Request) -> bytes:
    try:
        return await request.body()
    except HTTPException:
        raise
    except Exception as error:
        raise HTTPException(400, "There was an error parsing the body") from error


@lru_cache(maxsize=64)
def _is_json(content_type: str) -> bool:
    message = Message()
    message["content-type"] = content_type
    kind = message.get_content_subtype()
    is_application = message.get_content_maintype() == "application"
    return is_application and (kind == "json" or kind.endswith("+json"))


def _alias_of(field: Any) -> str:
    """The one name under which FastAPI looks for one value; "" where it does more than that."""
    info = field.field_info
    alias = info.validation_alias
    if field.config or not (alias is None or isinstance(alias, str)):
        return ""
    kind: Any = info.annotation
    is_single = kind in SINGLE or (inspect.isclass(kind) and issubclass(kind, Enum))
    name: str = alias or field.alias
    return name if is_single else ""


def _document(dependant: Dependant, built: Mapping[str, Any]) -> Any:
    """The field that is the whole body, where FastAPI reads the body as one."""
    fields = dependant.body_params
    if len(fields) != 1 or built["embed_body_fields"]:
        return None
    info: Any = fields[0].field_info
    return None if getattr(info, "embed", None) or isinstance(info, Form) else fields[0]
