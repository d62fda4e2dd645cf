"""The attack: the right handler by a wrong way. The guard looks at one spelling of the request, the
framework serves another, and the protected handler runs for a stranger (ASVS 8.2.1, 8.3.1)."""

from __future__ import annotations

import asyncio
import functools
from urllib.parse import unquote

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from tests.authorization.people import BOB, only_the_pipeline, protect
from tests.pipeline.asgi import ask, connect, make_scope, websocket_scope
from zenith.authorization import SecuredRoute, authenticated, public, require_permission
from zenith.kernel.principal import ANONYMOUS
from zenith.pipeline import SecurityMiddleware
from zenith.transport import TransportGuard

SECRET = "the crown jewels"
WRITE = require_permission("posts:write")


class Opaque:
    async def __call__(self, scope, receive, send):
        await PlainTextResponse(SECRET)(scope, receive, send)


def fastapi_app():
    app = FastAPI(openapi_url=None)

    @app.api_route("/admin", methods=["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
    @WRITE
    async def admin():
        return SECRET

    @app.get("/admin/{item}")
    @WRITE
    def item(item: str):
        return SECRET

    @app.get("/open/{path:path}")
    @public
    async def is_open(path: str):
        return "nothing"

    @app.get("/stream")
    @WRITE
    async def stream():
        yield SECRET

    @app.websocket("/admin")
    @WRITE
    async def socket(websocket: WebSocket):
        await websocket.accept()
        await websocket.send_text(SECRET)

    router = APIRouter(prefix="/router", dependencies=[Depends(WRITE)])

    @router.get("/secret")
    async def below():
        return SECRET

    secured = APIRouter(prefix="/secured", route_class=SecuredRoute)

    @secured.get("/secret")
    @WRITE
    async def early():
        return SECRET

    app.include_router(router)
    app.include_router(secured)
    app.mount("/mounted", WRITE(Opaque()))
    return app


def starlette_app():
    @WRITE
    class Endpoint(HTTPEndpoint):
        async def get(self, request):
            return PlainTextResponse(SECRET)

        post = put = delete = get

    @WRITE
    async def item(request):
        return PlainTextResponse(SECRET)

    async def passed(request, call_next):
        return await call_next(request)

    return Starlette(
        routes=[
            Route("/admin", Endpoint),
            Route("/admin/{item}", item),
            Mount("/mounted", WRITE(Opaque())),
            Mount("/deep", routes=[Mount("/er", routes=[Route("/secret", item)])]),
        ],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=passed)],
    )


APPS = {"fastapi": fastapi_app, "starlette": starlette_app}
TRICKS = (
    "/admin",
    "/admin/",
    "/admin/x",
    "/ADMIN",
    "/%61dmin",
    "/admin%0a",
    "/admin%0d%0a",
    "/admin%00",
    "/admin%20",
    "/admin%2f",
    "/admin%2fx",
    "/admin;x=y",
    "/admin.json",
    "/admin/.",
    "/admin/..",
    "/./admin",
    "//admin",
    "/admin//",
    "/open/../admin",
    "/open/%2e%2e/admin",
    "/open/..%2fadmin",
    "/open/..;/admin",
    "/open\\..\\admin",
    "/admin?x=/open/",
    "/admin#/open/",
    "/admin/%2e%2e/open/x",
    "/%2561dmin",
    "/\uff41dmin",
    "/stream",
    "/router/secret",
    "/router/secret%0a",
    "/router//secret",
    "/secured/secret",
    "/secured/secret%0a",
    "/mounted",
    "/mounted/",
    "/mounted/x",
    "/mounted%2fx",
    "/mounted/../mounted/x",
    "/deep/er/secret",
    "/deep/er/secret%0a",
    "/deep//er/secret",
)


def layers(app, principal):
    """The declarations alone, with their guard, and behind the door."""
    guarded = protect(app, principal)
    door = SecurityMiddleware(app, guards=[TransportGuard(), *guarded.guards])
    return only_the_pipeline(app, principal), guarded, door


@functools.cache
def known_layers(name, subject):
    return layers(APPS[name](), BOB if subject else ANONYMOUS)


async def assert_nothing_leaks(app, scope):
    answer = await ask(app, scope)
    assert SECRET.encode() not in answer.body, scope
    assert answer.status != 500


@pytest.mark.parametrize("principal", [ANONYMOUS, BOB], ids=["stranger", "bob"])
@pytest.mark.parametrize("name", APPS)
@pytest.mark.parametrize("trick", TRICKS)
async def test_no_spelling_of_the_path_leads_past_the_declaration(trick, name, principal):
    path, _, query = trick.partition("?")
    for app in known_layers(name, principal.subject):
        for method in ("GET", "POST"):
            for root in ("", "/open", "/admin"):
                scope = make_scope(
                    method,
                    unquote(path),
                    raw_path=path.encode(),
                    query=query.encode(),
                    root_path=root,
                )
                await assert_nothing_leaks(app, scope)


@pytest.mark.parametrize("name", APPS)
@pytest.mark.parametrize(
    "method", ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "get", "FOO", "GET "]
)
async def test_no_method_does(method, name):
    headers = [("x-http-method-override", "GET"), ("x-original-url", "/open/x")]
    for app in layers(APPS[name](), BOB):
        for path in ("/admin", "/admin/x", "/mounted/x"):
            await assert_nothing_leaks(app, make_scope(method, path, headers=headers))


@pytest.mark.parametrize("principal", [ANONYMOUS, BOB], ids=["stranger", "bob"])
async def test_no_socket_does(principal):
    for app in layers(fastapi_app(), principal):
        for path in ("/admin", "/admin\n", "/admin/"):
            answer = await connect(app, websocket_scope(path))
            assert "websocket.send" not in [message["type"] for message in answer.messages]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.sampled_from(["/", "admin", "open", "mounted", "router", "secret", "..", ".", "%2f"])
        | st.sampled_from(["%0a", "%61", "\\", ";", "?", "#", "é", " ", "\n", "%00"]),
        max_size=8,
    ).map(lambda parts: "/" + "".join(parts))
)
def test_no_path_that_hypothesis_thinks_of_does(path):
    for name in APPS:
        for app in known_layers(name, "bob"):
            scope = make_scope(path=unquote(path), raw_path=path.encode())
            asyncio.run(assert_nothing_leaks(app, scope))


async def test_the_documentation_behind_a_declared_path():
    """Routes that cannot be decorated are declared by path; the table must know every spelling."""
    app = FastAPI()
    declared = {"/openapi.json": authenticated, "/docs": authenticated, "/redoc": authenticated}
    protected = protect(app, declared=declared)
    for path in ("/openapi.json", "/docs", "/redoc"):
        for trick, status in (
            (path, 401),
            (path + "\n", 401),
            (path + "/", 307),
            (path.upper(), 404),
            ("/" + path, 404),
            (path + "\n\n", 404),
        ):
            answer = await ask(protected, make_scope(path=trick))
            assert answer.status == status, trick


async def test_a_declaration_is_not_lost_on_the_way_through_a_router():
    """Included twice, nested, renamed: the declaration belongs to the function."""
    app, inner, outer = FastAPI(openapi_url=None), APIRouter(), APIRouter()

    @inner.get("/secret")
    @WRITE
    async def secret():
        return SECRET

    outer.include_router(inner, prefix="/one")
    outer.include_router(inner, prefix="/two/{tenant}")
    app.include_router(outer, prefix="/v1")
    app.add_api_route("/again", secret)
    for path in ("/v1/one/secret", "/v1/two/x/secret", "/again"):
        for layer in layers(app, BOB):
            assert (await ask(layer, make_scope(path=path))).status == 403


async def test_a_dependency_override_for_tests_does_not_open_the_decorator():
    app = fastapi_app()
    app.dependency_overrides[WRITE] = lambda: None
    for layer in layers(app, BOB):
        assert (await ask(layer, make_scope(path="/admin"))).status == 403
