"""`Zenith`: a FastAPI application that is secure by default. Wiring only."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from fastapi import APIRouter, FastAPI, WebSocket
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.utils import is_body_allowed_for_status_code
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

import zenith.assembly as wiring
from zenith import accounts, api_keys, mfa, oauth, tokens
from zenith.accounts import Account, AccountServices
from zenith.api_docs import (
    PAGE_DIRECTIVES,
    PAGE_OPENER_POLICY,
    REDIRECT_OPENER_POLICY,
    declare_problems,
    declare_security,
    docs_routes,
)
from zenith.api_keys import APIKeys
from zenith.authorization import Access, AuthorizationGuard, public
from zenith.csrf import csrf_token
from zenith.headers import ContentSecurityPolicy, response_headers
from zenith.kernel.clock import steady_clock
from zenith.kernel.errors import ConfigurationError, SecurityError
from zenith.kernel.problem import INTERNAL_ERROR, Problem
from zenith.pipeline import (
    DirectCall,
    Guard,
    ProblemResponse,
    RouteDispatch,
    RouteEntry,
    RouteTable,
    SecurityMiddleware,
    exchange_of,
    fail,
    respond,
)
from zenith.server import Serving
from zenith.settings import Settings
from zenith.tokens import ForeignIssuer

if TYPE_CHECKING:
    from zenith.assembly import Assembly
    from zenith.encryption import Encryption, SubjectKeys
    from zenith.outbound import OutboundClient
    from zenith.stores.sql import ModelDatabase

_log: Final = logging.getLogger("zenith")
TELEMETRY_MEMORY: Final = 1.0
"""Seconds after which telemetry that was set up meanwhile is noticed."""
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
UNPROCESSABLE: Final = 422
BROKEN: Final = 500
POLICY_VIOLATION: Final = 1008
SHOWN: Final = ("type", "loc", "msg")
MAX_FAULTS: Final = 50
MAX_NAME: Final = 100
"""Characters of a field's name that are repeated; names are the sender's too."""


class Zenith(FastAPI):
    """FastAPI behind the security pipeline.

    Every request passes the guards before it reaches the framework, whose own 404 and 500 pages
    pass them on the way out. Routes declare who may call them; in production an undeclared route
    refuses the start.

    `settings` default to `Settings.from_env()`. `user_model` is the class of accounts: `Account`,
    or a dataclass that extends it by columns of the application's own. `guards` are added to the
    built-in ones; `issuers` are others whose access tokens are taken. `declared` gives the access
    of routes that cannot be decorated, by path; `services` are what handlers may ask the exchange
    for, by type. `docs_access` opens the API documentation; None leaves it out, which is the
    default in production. All other arguments are FastAPI's. Raises ConfigurationError for settings
    that are unsafe or contradict each other.
    """

    def __init__(
        self,
        *,
        settings: Settings | None = None,
        user_model: type[Account] = Account,
        guards: Sequence[Guard] = (),
        issuers: Sequence[ForeignIssuer] = (),
        declared: Mapping[str, Access] | None = None,
        services: Mapping[type, Any] | None = None,
        docs_access: Access | None = None,
        docs_url: str | None = "/docs",
        openapi_url: str | None = "/openapi.json",
        debug: bool = False,
        **fastapi: Any,
    ) -> None:
        self.settings: Final = settings or Settings.from_env()
        wiring.refuse_unsafe(self.settings, debug=debug, redoc_url=fastapi.pop("redoc_url", None))
        if docs_access is None and not self.settings.is_production:
            docs_access = public
        self._observed, self._asked = True, float("-inf")
        self._docs_access: Final = docs_access
        self._guards: Final = tuple(guards)
        self.declared_access: Final = dict(declared or {})
        self._services: Final = dict(services or {})
        self.assembly: Final[Assembly] = wiring.assemble(
            self.settings, user_model=user_model, issuers=issuers
        )
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
        wiring.add_own_routes(self, self.assembly)
        if self._docs_access is None or self.openapi_url is None:
            return
        self.add_route(
            self.openapi_url, self._docs_access(_schema_of(self)), include_in_schema=False
        )
        if self.docs_url is None:
            return
        page = redirect = None
        if self.assembly.settings.headers is not None:
            policy = ContentSecurityPolicy.from_directives(PAGE_DIRECTIVES)
            page = response_headers(policy=policy, opener_policy=PAGE_OPENER_POLICY)
            redirect = response_headers(policy=policy, opener_policy=REDIRECT_OPENER_POLICY)
        self.routes.extend(
            docs_routes(
                docs_url=self.docs_url,
                openapi_url=self.openapi_url,
                title=self.title,
                access=self._docs_access,
                redirect_url=self.swagger_ui_oauth2_redirect_url,
                options=self.swagger_ui_parameters,
                oauth=self.swagger_ui_init_oauth,
                page_headers=page,
                redirect_headers=redirect,
                csrf=self._docs_token if self.assembly.settings.csrf is not None else None,
            )
        )

    def _docs_token(self, request: Request) -> tuple[str, str] | None:
        """What changes that are tried in the documentation carry for who is signed in by cookie."""
        exchange, settings = exchange_of(request.scope), self.assembly.settings.csrf
        if settings is None or exchange.principal.scheme not in settings.cookie_schemes:
            return None
        return settings.header_name, csrf_token(exchange)

    def openapi(self) -> dict[str, Any]:
        """FastAPI's description of the API, with the credentials that declared routes ask for and
        the form of refusals.
        """
        known, schema = self.openapi_schema, super().openapi()
        if schema is not known:
            declare_security(
                schema,
                RouteTable(self).walk(),
                cookie=self.assembly.settings.sessions.cookie,
                keys=self.assembly.api_keys is not None,
                access_of=self._access_of,
            )
            declare_problems(schema)
        return schema

    def _access_of(self, entry: RouteEntry) -> tuple[Access, ...]:
        marked = tuple(mark for mark in entry.marks if isinstance(mark, Access))
        declared = self.declared_access.get(entry.path)
        return marked if declared is None else (*marked, declared)

    def add_auth(self, *, prefix: str = "/auth") -> None:
        """Mount registration, sign-in, refresh, sign-out and one's own sessions below `prefix`."""
        mail = self.assembly.accounts.mail is not None
        self.include_router(accounts.auth_router(prefix=prefix, mail=mail))
        if self.settings.mfa is not None:
            self.include_router(mfa.mfa_router(prefix=prefix))
        if self.assembly.api_keys is not None:
            self.include_router(api_keys.api_key_router(prefix=prefix))
        if self.assembly.oauth is not None:
            self.include_router(oauth.oauth_router(self.assembly.oauth, prefix=prefix))
        self.include_router(tokens.jwks_router(self.assembly.keyring))

    @property
    def serving(self) -> Serving:
        """What the protocols of `zenith.server` hold connections to."""
        return self.assembly.serving

    @property
    def accounts(self) -> AccountServices:
        """The account flows, for code outside requests."""
        return self.assembly.accounts

    @property
    def api_keys(self) -> APIKeys:
        """The flows of API keys, for code outside requests; ConfigurationError if they are off."""
        if self.assembly.api_keys is None:
            raise ConfigurationError("API keys are off", fix="leave ZENITH_API_KEYS on")
        return self.assembly.api_keys

    @property
    def encryption(self) -> Encryption:
        """What encrypts for this application, and makes its blind indexes. Raises
        ConfigurationError, with the fix, where there are no keys that it may use.
        """
        return self.assembly.encryption.service

    @property
    def subject_keys(self) -> SubjectKeys:
        """A key for each person, whose end is the end of the person's data. Raises as `encryption`
        does.
        """
        return self.assembly.encryption.subject_keys

    @property
    def models(self) -> ModelDatabase:
        """Where models live, for code outside requests: `async with app.models.open(): ...`."""
        return self.assembly.models

    @property
    def outbound(self) -> OutboundClient:
        """Calls other servers, and is not sent where it should not go; one for the application."""
        return self.assembly.outbound

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """FastAPI's, but for one thing: whether telemetry is set up, which FastAPI asks anew for
        each request at the price of most guards together, is asked once a second.
        """
        stack = self.middleware_stack
        if scope["type"] == "lifespan" or stack is None or self._is_observed():
            await super().__call__(scope, receive, send)
            return
        if self.root_path:
            scope["root_path"] = self.root_path
        scope["app"] = self
        await stack(scope, receive, send)

    def _is_observed(self) -> bool:
        now = steady_clock()
        if now - self._asked >= TELEMETRY_MEMORY:
            telemetry = getattr(self, "_native_telemetry", None)
            self._observed, self._asked = telemetry is None or telemetry.enabled(), now
        return self._observed

    def build_middleware_stack(self) -> ASGIApp:
        """The framework's stack, all of it behind the guards. Built once, when the application
        starts; then the operator is told what the settings loosen.
        """
        wiring.check_session_cookies(self.user_middleware, self.assembly.settings)
        level = logging.WARNING if self.settings.is_production else logging.INFO
        stored = wiring.check_models(
            self.assembly.late_models, is_production=self.settings.is_production
        )
        for line in (*self.assembly.report, *stored):
            _log.log(level, "%s", line)
        authorization = AuthorizationGuard(
            declared=self.declared_access,
            refuse_undeclared=self.settings.is_production,
            factors=self.assembly.accounts.step_up.kinds,
        )
        return SecurityMiddleware(
            self._direct_stack(),
            guards=[
                *wiring.log_guards(self, self.assembly),
                *self.assembly.guards,
                *wiring.start_record(self.assembly),
                authorization,
                *self._guards,
            ],
            checks=(wiring.check_arguments(self),),
            services={**self.assembly.offered, **self._services},
            routes_from=self,
        )

    def _direct_stack(self) -> ASGIApp:
        """FastAPI's stack, with a way past it where nobody has put anything into it."""
        dispatch = RouteDispatch.install(self.router)
        stack = self._framework_stack()
        if dispatch is None or self.user_middleware or self.max_body_size is not None:
            return stack
        router, self.router = self.router, cast(APIRouter, fail)
        try:
            failing = self._plain_stack()
        finally:
            self.router = router
        return DirectCall.around(stack, failing=failing, dispatch=dispatch, application=self)

    def _framework_stack(self) -> ASGIApp:
        """FastAPI's own. What a middleware raises is answered like what a handler raises; without
        this a refusal in `@app.middleware("http")` would be a server error.
        """
        own = self.user_middleware
        if not own:
            return self._plain_stack()
        handlers = {
            kind: handler
            for kind, handler in self.exception_handlers.items()
            if kind not in (BROKEN, Exception)
        }
        outermost = Middleware(ExceptionMiddleware, handlers=handlers, debug=self.debug)
        self.user_middleware = [outermost, *own]
        try:
            return self._plain_stack()
        finally:
            self.user_middleware = own

    def _plain_stack(self) -> ASGIApp:
        """Without Starlette's page for developers: `_unhandled` has one without secrets."""
        debug, self.debug = self.debug, False
        try:
            return super().build_middleware_stack()
        finally:
            self.debug = debug


def _schema_of(app: FastAPI) -> Endpoint:
    async def openapi(request: Request) -> Response:
        schema = app.openapi()
        root: str = request.scope.get("root_path", "").rstrip("/")
        servers: list[dict[str, Any]] = schema.get("servers", [])
        if (
            root
            and app.root_path_in_servers
            and not any(each.get("url") == root for each in servers)
        ):
            schema = {**schema, "servers": [{"url": root}, *servers]}
        return JSONResponse(schema)

    return openapi


def install_handlers(app: FastAPI) -> None:
    """Render errors as problems, unless the application has set handlers of its own."""
    app.exception_handlers[SecurityError] = respond
    _replace_default(app, HTTPException, _http_exception, "fastapi")
    _replace_default(app, RequestValidationError, _invalid_request, "fastapi")
    _replace_default(app, WebSocketRequestValidationError, _invalid_handshake, "fastapi")
    if BROKEN not in app.exception_handlers:
        app.exception_handlers.setdefault(Exception, _unhandled)


def _replace_default(app: FastAPI, kind: type[Exception], handler: Any, owner: str) -> None:
    present = app.exception_handlers.get(kind)
    if present is None or getattr(present, "__module__", "").startswith(owner):
        app.exception_handlers[kind] = handler


async def _http_exception(request: Request, error: Exception) -> Any:
    if not isinstance(error, HTTPException):
        raise error
    headers: Mapping[str, str] = error.headers or {}
    if not is_body_allowed_for_status_code(error.status_code):
        return Response(status_code=error.status_code, headers=headers)
    problem = Problem.of_status(error.status_code, error.detail, headers)
    return ProblemResponse(exchange_of(request.scope), problem)


async def _invalid_request(request: Request, error: Exception) -> Any:
    if not isinstance(error, RequestValidationError):
        raise error
    problem = Problem.of_status(UNPROCESSABLE, _faults(error.errors()))
    return ProblemResponse(exchange_of(request.scope), problem)


async def _invalid_handshake(socket: WebSocket, error: Exception) -> None:
    del error
    await socket.close(code=POLICY_VIOLATION, reason="Invalid input")


async def _unhandled(request: Request, error: Exception) -> Any:
    app = request.app
    if isinstance(app, Zenith) and app.debug and not app.settings.is_production:
        return wiring.debug_page(request, error)
    return ProblemResponse(exchange_of(request.scope), INTERNAL_ERROR)


def _faults(errors: Sequence[Any]) -> list[dict[str, Any]]:
    """FastAPI's shape without what it echoes: the input may be a password (ASVS 14.2.1, 16.2.5).

    Bounded, for a body of a million unknown fields has as many faults.
    """
    some = errors[:MAX_FAULTS]
    faults = [{name: error[name] for name in SHOWN if name in error} for error in some]
    for fault in faults:
        fault["loc"] = [_place(part) for part in fault.get("loc", ())]
    return faults


def _place(part: object) -> object:
    return part[:MAX_NAME] if isinstance(part, str) else part
