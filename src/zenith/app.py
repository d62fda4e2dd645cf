"""`Zenith`: a FastAPI application that is secure by default. Wiring only."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from zenith.accounts import AccountServices, auth_router
from zenith.api_docs import docs_routes
from zenith.assembly import Assembly, assemble
from zenith.authorization import Access, AuthorizationGuard, public
from zenith.kernel.errors import ConfigurationError, SecurityError
from zenith.kernel.problem import INTERNAL_ERROR, Problem
from zenith.pipeline import (
    Guard,
    ProblemResponse,
    SecurityMiddleware,
    exchange_of,
    respond,
)
from zenith.settings import Settings
from zenith.tokens import jwks_router

_log: Final = logging.getLogger("zenith")
UNPROCESSABLE: Final = 422
SHOWN: Final = ("type", "loc", "msg")


class Zenith(FastAPI):
    """FastAPI behind the security pipeline.

    Every request passes the guards before it reaches the framework, whose own 404 and 500 pages
    pass them on the way out. Routes declare who may call them; in production an undeclared route
    refuses the start.

    `settings` default to `Settings.from_env()`. `guards` are added to the built-in ones. `declared`
    gives the access of routes that cannot be decorated, by path; `services` are what handlers may
    ask the exchange for, by type. `docs_access` opens the API
    documentation; None leaves it out, which is the default in production. All other arguments are
    FastAPI's. Raises ConfigurationError for settings that are unsafe or contradict each other.
    """

    def __init__(
        self,
        *,
        settings: Settings | None = None,
        guards: Sequence[Guard] = (),
        declared: Mapping[str, Access] | None = None,
        services: Mapping[type, Any] | None = None,
        docs_access: Access | None = None,
        docs_url: str | None = "/docs",
        openapi_url: str | None = "/openapi.json",
        debug: bool = False,
        **fastapi: Any,
    ) -> None:
        self.settings: Final = settings or Settings.from_env()
        if debug and self.settings.is_production:
            raise ConfigurationError(
                "debug=True shows source code and variables to every visitor",
                fix="leave debug out in production",
            )
        if docs_access is None and not self.settings.is_production:
            docs_access = public
        self._docs_access: Final = docs_access
        self._guards: Final = tuple(guards)
        self._declared: Final = dict(declared or {})
        self._services: Final = dict(services or {})
        self.assembly: Final[Assembly] = assemble(self.settings)
        super().__init__(
            debug=debug,
            docs_url=docs_url,
            redoc_url=None,
            openapi_url=openapi_url if docs_access is not None else None,
            **fastapi,
        )
        install_handlers(self)

    def setup(self) -> None:
        """Add the application's own routes: health, the API schema and its documentation."""
        self.add_route("/healthz", healthz, include_in_schema=False)
        self.add_route("/readyz", readyz, include_in_schema=False)
        if self._docs_access is None or self.openapi_url is None:
            return
        self.add_route(
            self.openapi_url, self._docs_access(_schema_of(self)), include_in_schema=False
        )
        if self.docs_url is not None:
            self.routes.extend(
                docs_routes(
                    docs_url=self.docs_url,
                    openapi_url=self.openapi_url,
                    title=self.title,
                    access=self._docs_access,
                )
            )

    def add_auth(self, *, prefix: str = "/auth") -> None:
        """Mount registration, sign-in, refresh, sign-out and one's own sessions below `prefix`."""
        self.include_router(auth_router(prefix=prefix))
        self.include_router(jwks_router(self.assembly.keyring))

    @property
    def accounts(self) -> AccountServices:
        """The account flows, for code outside requests."""
        return self.assembly.accounts

    def build_middleware_stack(self) -> ASGIApp:
        """The framework's stack, all of it behind the guards."""
        authorization = AuthorizationGuard(
            declared=self._declared, refuse_undeclared=self.settings.is_production
        )
        return SecurityMiddleware(
            super().build_middleware_stack(),
            guards=[*self.assembly.guards, authorization, *self._guards],
            services={**self.assembly.services, **self._services},
            routes_from=self,
        )


def _schema_of(app: FastAPI) -> Callable[[Request], Any]:
    async def openapi(request: Request) -> JSONResponse:
        del request
        return JSONResponse(app.openapi())

    return openapi


@public
async def healthz(request: Request) -> Response:
    """Whether the process serves requests."""
    del request
    return JSONResponse({"status": "ok"})


@public
async def readyz(request: Request) -> Response:
    """Whether the database, and Redis where there is one, answer; 503 where they do not."""
    await request.app.assembly.check_readiness()
    return JSONResponse({"status": "ready"})


def install_handlers(app: FastAPI) -> None:
    """Render errors as problems, unless the application has set handlers of its own."""
    app.exception_handlers[SecurityError] = respond
    _replace_default(app, HTTPException, _http_exception, "fastapi")
    _replace_default(app, RequestValidationError, _invalid_request, "fastapi")
    if 500 not in app.exception_handlers:
        app.exception_handlers.setdefault(Exception, _unhandled)


def _replace_default(app: FastAPI, kind: type[Exception], handler: Any, owner: str) -> None:
    present = app.exception_handlers.get(kind)
    if present is None or getattr(present, "__module__", "").startswith(owner):
        app.exception_handlers[kind] = handler


async def _http_exception(request: Request, error: Exception) -> Any:
    if not isinstance(error, HTTPException):
        raise error
    headers: Mapping[str, str] = error.headers or {}
    problem = Problem.of_status(error.status_code, error.detail, headers)
    return ProblemResponse(exchange_of(request.scope), problem)


async def _invalid_request(request: Request, error: Exception) -> Any:
    if not isinstance(error, RequestValidationError):
        raise error
    problem = Problem.of_status(UNPROCESSABLE, _faults(error.errors()))
    return ProblemResponse(exchange_of(request.scope), problem)


async def _unhandled(request: Request, error: Exception) -> Any:
    del error
    return ProblemResponse(exchange_of(request.scope), INTERNAL_ERROR)


def _faults(errors: Sequence[Any]) -> list[dict[str, Any]]:
    """FastAPI's shape without what it echoes: the input may be a password (ASVS 14.2.1, 16.2.5)."""
    return [{name: error[name] for name in SHOWN if name in error} for error in errors]
