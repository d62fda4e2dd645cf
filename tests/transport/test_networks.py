from __future__ import annotations

import inspect

import pytest
from anyio import to_thread
from fastapi import APIRouter, Depends, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute

from tests.pipeline.asgi import ask, connect, hello, make_exchange, make_scope, websocket_scope
from zenith.authorization import AuthorizationGuard, list_routes, public
from zenith.kernel.errors import ConfigurationError, SecurityError
from zenith.pipeline import EXCHANGE_KEY, RouteTable, SecurityMiddleware, current_exchange
from zenith.transport import (
    NetworkList,
    NetworkRefusedError,
    TransportGuard,
    TransportSettings,
    allow_networks,
    deny_networks,
)
from zenith.transport.networks import MAX_REMEMBERED

INSIDE = ["10.1.2.3", "::ffff:10.1.2.3", "fd00::1", "fd00::1%eth0"]
OUTSIDE = ["11.0.0.1", "::ffff:11.0.0.1", "2001:db8::1", "::10.1.2.3", "unknown", "testclient", ""]
NOBODY = {"declared": {}, "callers": {}}
OURS = ("10.0.0.0/8", "fd00::/8")


@pytest.mark.parametrize("client", INSIDE)
def test_inside(client):
    assert NetworkList(OURS, "allow", setting="s").admits(client)
    assert not NetworkList(OURS, "deny", setting="s").admits(client)


@pytest.mark.parametrize("client", OUTSIDE)
def test_outside(client):
    assert not NetworkList(OURS, "allow", setting="s").admits(client)
    is_address = client in OUTSIDE[:4]
    assert NetworkList(OURS, "deny", setting="s").admits(client) is is_address


def test_the_memory_is_bounded():
    rules = NetworkList(OURS, "allow", setting="s")
    for number in range(MAX_REMEMBERED + 10):
        assert rules.admits(f"10.0.{number >> 8}.{number & 255}")
    assert len(rules._remembered) <= MAX_REMEMBERED


@allow_networks(*OURS)
async def inside(request):
    return PlainTextResponse("inside")


@deny_networks("192.0.2.0/24")
def not_there(request):
    return PlainTextResponse("here")


@allow_networks("10.0.0.0/8")
@deny_networks("10.9.0.0/16")
async def narrowed(request):
    return PlainTextResponse("narrow")


async def plain(request):
    return PlainTextResponse("plain")


@allow_networks("10.0.0.0/8")
class Page(HTTPEndpoint):
    async def get(self, request):
        return PlainTextResponse("page")


@allow_networks("10.0.0.0/8")
async def socket(websocket):
    await websocket.accept()
    await websocket.close()


def routes():
    return Starlette(
        routes=[
            Route("/inside", inside),
            Route("/not-there", not_there, methods=["GET", "POST"]),
            Route("/narrowed", narrowed),
            Route("/page", Page),
            WebSocketRoute("/socket", socket),
            Mount("/mounted", allow_networks("10.0.0.0/8")(hello_application)),
            Route("/plain", plain),
        ]
    )


def application(**settings):
    return SecurityMiddleware(routes(), guards=[TransportGuard(TransportSettings(**settings))])


class _Hello:
    async def __call__(self, scope, receive, send):
        await hello(scope, receive, send)


hello_application = _Hello()


@pytest.mark.parametrize(
    ("path", "client", "status"),
    [
        ("/inside", "10.1.2.3", 200),
        ("/inside", "::ffff:10.1.2.3", 200),
        ("/inside", "192.0.2.1", 403),
        ("/not-there", "10.1.2.3", 200),
        ("/not-there", "192.0.2.1", 403),
        ("/narrowed", "10.1.2.3", 200),
        ("/narrowed", "10.9.2.3", 403),
        ("/narrowed", "192.0.2.1", 403),
        ("/page", "10.1.2.3", 200),
        ("/page", "192.0.2.1", 403),
        ("/mounted/x", "10.1.2.3", 200),
        ("/mounted/x", "192.0.2.1", 403),
        ("/elsewhere", "192.0.2.1", 404),
    ],
)
async def test_routes(path, client, status):
    assert (await ask(application(), make_scope(path=path, client=client))).status == status


@pytest.mark.parametrize(("client", "kind"), [("10.1.2.3", "accept"), ("192.0.2.1", "close")])
async def test_sockets(client, kind):
    answer = await connect(application(), websocket_scope("/socket", client=client))
    assert answer.messages[0]["type"] == f"websocket.{kind}"


async def test_the_body_is_not_read_first():
    async def never():
        raise AssertionError

    sent = []

    async def send(message):
        sent.append(message)

    scope = make_scope("POST", "/not-there", client="192.0.2.1", headers=[("content-length", "9")])
    await application()(scope, never, send)
    assert sent[0]["status"] == 403


@pytest.mark.parametrize(
    ("settings", "client", "status"),
    [
        ({"allowed_networks": OURS}, "10.1.2.3", 200),
        ({"allowed_networks": OURS}, "192.0.2.1", 403),
        ({"denied_networks": ("10.1.0.0/16",)}, "10.1.2.3", 403),
        ({"denied_networks": ("10.1.0.0/16",)}, "10.2.2.3", 200),
        ({"allowed_networks": OURS, "denied_networks": ("10.1.0.0/16",)}, "10.1.2.3", 403),
        ({"allowed_networks": ("192.0.2.0/24",)}, "10.1.2.3", 403),
        ({"allowed_networks": ("192.0.2.0/24",)}, "192.0.2.1", 403),
        ({"allowed_networks": ("::ffff:10.0.0.0/104",)}, "10.1.2.3", 200),
    ],
)
async def test_the_lists_of_the_settings_hold_for_all_routes(settings, client, status):
    scope = make_scope(path="/inside", client=client)
    assert (await ask(application(**settings), scope)).status == status


async def test_the_client_behind_a_proxy_is_meant():
    settings = {"trusted_proxies": ("10.0.0.0/8",)}
    for forwarded, status in (("192.0.2.1", 403), ("10.1.2.3", 200)):
        headers = [("x-forwarded-for", forwarded)]
        scope = make_scope(path="/inside", client="10.0.0.1", headers=headers)
        assert (await ask(application(**settings), scope)).status == status


async def test_as_a_dependency_of_a_router():
    router = APIRouter(dependencies=[Depends(allow_networks("10.0.0.0/8"))])

    @router.get("/")
    async def read() -> str:
        return "inside"

    app = FastAPI()
    app.include_router(router)
    secured = SecurityMiddleware(app, guards=[TransportGuard()])
    assert (await ask(secured, make_scope(client="10.1.2.3"))).status == 200
    assert (await ask(secured, make_scope(client="192.0.2.1"))).status == 403


async def test_an_endpoint_asks_for_itself_whoever_routes_to_it():
    app = Starlette(routes=[Route("/", inside)])

    async def hidden(scope, receive, send):
        await app(scope, receive, send)

    secured = SecurityMiddleware(hidden, guards=[TransportGuard()])
    with pytest.raises(NetworkRefusedError):
        await ask(secured, make_scope(client="192.0.2.1"))


@pytest.mark.parametrize(("client", "admitted"), [("192.0.2.1", False), ("10.0.0.1", True)])
async def test_a_plain_function_asks_too(client, admitted):
    token = current_exchange.set(make_exchange(client=client))
    try:
        if admitted:
            assert (await to_thread.run_sync(not_there, None)).status_code == 200
        else:
            with pytest.raises(NetworkRefusedError):
                await to_thread.run_sync(not_there, None)
    finally:
        current_exchange.reset(token)


async def test_an_application_and_a_dependency_ask_for_themselves():
    behind = allow_networks("10.0.0.0/8")(public(hello_application))
    scope = make_scope(client="192.0.2.1")
    scope[EXCHANGE_KEY] = make_exchange(client="192.0.2.1")
    with pytest.raises(NetworkRefusedError):
        await behind(scope, None, None)
    with pytest.raises(SecurityError):
        await allow_networks("10.0.0.0/8")._as_dependency(type("C", (), {"scope": scope}))
    scope[EXCHANGE_KEY] = make_exchange(client="10.0.0.1")
    assert (await ask(behind, scope)).status == 200
    assert repr(deny_networks("10.0.0.0/8")) == "<deny_networks: 10.0.0.0/8>"


async def test_a_lifespan_comes_from_nowhere():
    seen = []

    class Application:
        async def __call__(self, scope, receive, send):
            seen.append(scope["type"])

    await allow_networks("10.0.0.0/8")(Application())({"type": "lifespan"}, None, None)
    assert seen == ["lifespan"]


def test_a_mark_that_nobody_enforces_refuses_the_start():
    app = SecurityMiddleware(
        Starlette(routes=[Route("/", public(inside))]), guards=[AuthorizationGuard()]
    )
    with pytest.raises(ConfigurationError, match="NetworkMark has no guard"):
        app.prepare()


@pytest.mark.parametrize("networks", [(), ("10.0.0.1/8",), ("example.com",)])
def test_what_is_no_network(networks):
    with pytest.raises(ConfigurationError, match="allow_networks"):
        allow_networks(*networks)
    for name in ("allowed_networks", "denied_networks"):
        if networks:
            with pytest.raises(ConfigurationError, match=name):
                TransportSettings(**{name: networks})


@pytest.mark.parametrize("target", [3, type("Plain", (), {})])
def test_what_cannot_be_decorated(target):
    with pytest.raises(ConfigurationError):
        allow_networks("10.0.0.0/8")(target)


def test_the_list_of_routes_names_networks():
    listed = {each.path: each.notes for each in list_routes(RouteTable(routes()), **NOBODY)}
    assert listed["/inside"] == ("only from 10.0.0.0/8, fd00::/8",)
    assert listed["/narrowed"] == ("not from 10.9.0.0/16", "only from 10.0.0.0/8")
    assert listed["/plain"] == ()


async def test_endpoints_of_every_kind():
    only = allow_networks("10.0.0.0/8")

    @only
    async def coroutine(request):
        return PlainTextResponse("coroutine")

    @only
    def function(request):
        return PlainTextResponse("function")

    @only
    class Endpoint(HTTPEndpoint):
        async def get(self, request):
            return PlainTextResponse("class")

    app = Starlette(
        routes=[
            Route("/coroutine", coroutine),
            Route("/class", Endpoint),
            Mount("/application", only(hello_application)),
        ]
    )
    secured = SecurityMiddleware(app, guards=[TransportGuard()])
    for path in ("/coroutine", "/class", "/application/"):
        for client, status in (("10.1.2.3", 200), ("192.0.2.1", 403)):
            assert (await ask(secured, make_scope(path=path, client=client))).status == status
    token = current_exchange.set(make_exchange(client="10.1.2.3"))
    try:
        assert function(None).body == b"function"
    finally:
        current_exchange.reset(token)


async def test_a_list_above_the_route_s_decorator_holds():
    app = FastAPI(openapi_url=None)

    @allow_networks("10.0.0.0/8")
    @app.get("/")
    async def endpoint() -> str:
        return "inside"

    guarded = SecurityMiddleware(
        app, guards=[TransportGuard(TransportSettings(allow_any_host=True))]
    )
    for client, status in (("10.0.0.1", 200), ("203.0.113.5", 403)):
        assert (await ask(guarded, make_scope(client=client))).status == status


@pytest.mark.parametrize("client", ["10.0.0.1", "203.0.113.5"])
async def test_streams_stay_streams(client):
    """Without the guard, as a part alone: the endpoint asks itself, whatever kind it is of."""

    @allow_networks("10.0.0.0/8")
    async def stream():
        yield "inside"

    exchange = make_exchange()
    exchange.client = client
    token = current_exchange.set(exchange)
    try:
        assert inspect.isasyncgenfunction(stream)
        if client == "10.0.0.1":
            assert [each async for each in stream()] == ["inside"]
        else:
            with pytest.raises(NetworkRefusedError):
                await anext(stream())
    finally:
        current_exchange.reset(token)
