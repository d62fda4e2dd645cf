"""What the route index and the direct call change must be nothing but time."""

from __future__ import annotations

from uuid import UUID

import pytest
from fastapi import APIRouter, FastAPI, Request, WebSocket
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router, WebSocketRoute

from tests.pipeline.asgi import ask, connect, make_scope, websocket_scope
from zenith.pipeline import (
    EXCHANGE_KEY,
    Guard,
    RouteDispatch,
    RouteTable,
    SecurityMiddleware,
    Stage,
    exchange_of,
)

SEGMENTS = ("a", "a", "b", "{p}", "{p}", "{p:int}", "{p:path}", "a{p}", "")
METHODS = ("GET", "POST")
VALUES = ("a", "a", "b", "1", "ab", "", "a\n")

templates = st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=3).map(
    lambda parts: (
        "/"
        + "/".join(
            each.replace("p", f"p{at}", 1) if "{" in each else each for at, each in enumerate(parts)
        )
    )
)
paths = st.lists(st.sampled_from(VALUES), min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)
kinds = st.sampled_from(("route", "star", "included", "nested", "mount", "sub", "host", "class"))
tables = st.lists(
    st.tuples(kinds, templates, st.sampled_from(METHODS), templates), min_size=1, max_size=7
)


def reporter(name):
    async def endpoint(request: Request):
        scope = request.scope
        return JSONResponse(
            {
                "name": name,
                "params": {key: plain(value) for key, value in scope["path_params"].items()},
                "endpoint": scope["endpoint"] is endpoint,
                "route": getattr(scope.get("route"), "path", None),
                "router": type(scope["router"]).__name__,
                "root_path": scope.get("root_path"),
                "url": str(request.url),
            }
        )

    return endpoint


def plain(value):
    return str(value) if isinstance(value, UUID) else value


def add(app, number, kind, template, method, inner):
    """One entry of a random table."""
    endpoint = reporter(number)
    if kind == "route":
        app.api_route(template, methods=[method])(endpoint)
    elif kind == "star":
        app.router.routes.append(Route(template, endpoint, methods=[method]))
    elif kind in ("included", "nested"):
        router = APIRouter(prefix="" if inner == "/" else inner.rstrip("/"))
        router.api_route(template, methods=[method])(endpoint)
        outer = APIRouter()
        outer.include_router(router)
        app.include_router(outer if kind == "nested" else router, prefix="")
    elif kind == "mount":
        app.router.routes.append(Mount(template.rstrip("/"), routes=[Route(inner, endpoint)]))
    elif kind == "sub":
        sub = FastAPI(openapi_url=None)
        sub.api_route(inner, methods=[method])(endpoint)
        app.mount(template.rstrip("/"), sub)
    elif kind == "host":
        app.router.routes.append(Host("other.example", Router([Route(template, endpoint)])))
    else:
        app.router.routes.append(WebSocketRoute(template, endpoint))


def build(table):
    app = FastAPI(openapi_url=None)
    for number, entry in enumerate(table):
        try:
            add(app, number, *entry)
        except (AssertionError, ValueError):  # the framework refuses the template: both go without
            continue
    return app


def indexed(app, *guards):
    """The application as Zenith wraps it."""
    RouteDispatch.install(app.router)
    return SecurityMiddleware(app, guards=guards)


async def told(app, scope):
    answer = await ask(app, scope)
    # Allow names more methods than the framework's own: see test_allow.
    return answer.status, answer.headers.get(b"location"), answer.body


@settings(max_examples=150)
@given(
    table=tables,
    path=paths,
    method=st.sampled_from(METHODS),
    root=st.sampled_from(("", "/a", "/1")),
    host=st.sampled_from(("localhost", "other.example")),
)
async def test_every_request_is_served_as_by_the_framework_alone(table, path, method, root, host):
    def scope():
        return make_scope(method, path, root_path=root, headers=[("host", host)])

    assert await told(indexed(build(table)), scope()) == await told(build(table), scope())


@settings(max_examples=300)
@given(table=tables, path=paths, method=st.sampled_from(METHODS))
def test_the_table_finds_what_a_search_through_all_routes_finds(table, path, method):
    app = build(table)
    scope, routes = make_scope(method, path), RouteTable(app)
    found = routes.find(scope)
    first = next((r for r in app.routes if r.matches(dict(scope))[0] is Match.FULL), None)
    assert (found is None) == (first is None)
    if found is not None and found.listed is not None and found in routes.entries:
        assert found.listed is first


class Calls(FastAPI):
    """Counts the searches of its router."""

    def __init__(self, **options):
        super().__init__(openapi_url=None, **options)
        self.searches, search = 0, self.router.app

        async def counted(scope, receive, send):
            self.searches += 1
            await search(scope, receive, send)

        self.router.app = self.router.middleware_stack = counted


@pytest.fixture
def app():
    app = Calls()
    for number in range(3):
        app.get(f"/fixed{number}")(reporter(f"fixed{number}"))
        app.get(f"/dynamic{number}/{{x}}")(reporter(f"dynamic{number}"))
    return app


async def searches(app, *scopes, guards=()):
    protected = indexed(app, *guards)
    before = app.searches
    for scope in scopes:
        await ask(protected, scope)
    return app.searches - before


async def test_a_decided_route_is_called_without_a_search(app):
    assert await searches(app, make_scope(path="/fixed2"), make_scope(path="/dynamic1/7")) == 0


async def test_what_was_not_decided_is_searched(app):
    others = (make_scope(path="/none"), make_scope("POST", "/fixed1"), make_scope(path="/fixed1/"))
    assert await searches(app, *others) == len(others)


async def test_included_routers_and_mounts_are_called_at_once(app):
    router = APIRouter()
    router.get("/in/{x}")(reporter("in"))
    app.include_router(router)
    app.mount("/opaque", PlainTextResponse("here"))
    assert await searches(app, make_scope(path="/in/1"), make_scope(path="/opaque/1")) == 0


async def test_a_socket_is_called_at_once(app):
    @app.websocket("/socket")
    async def socket(websocket: WebSocket):
        await websocket.accept()
        await websocket.close()

    answer = await connect(indexed(app), websocket_scope("/socket"))
    assert [each["type"] for each in answer.messages] == ["websocket.accept", "websocket.close"]
    assert app.searches == 0


OTHER_HOST = [(b"host", b"other.example")]


@pytest.mark.parametrize(
    ("before", "change", "served"),
    [
        ({"path": "/path/second"}, {"path": "/path/first"}, "first of paths"),
        ({"path": "/method"}, {"method": "POST"}, "first of methods"),
        ({"path": "/root/below"}, {"root_path": "/root"}, "first below the root"),
        ({"path": "/hosted"}, {"headers": OTHER_HOST}, "first of hosts"),
    ],
)
@pytest.mark.parametrize("copied", [True, False])
async def test_a_request_that_a_middleware_changed_is_searched(before, change, served, copied):
    """The decided route would serve the changed request too; the framework takes another."""

    class Change:
        def __init__(self, inner):
            self.inner = inner

        async def __call__(self, scope, receive, send):
            if copied:
                scope = {**scope, **change}
            else:
                scope.update(change)
            await self.inner(scope, receive, send)

    app = FastAPI(openapi_url=None)
    app.get("/path/first")(reporter("first of paths"))
    app.post("/method")(reporter("first of methods"))
    app.get("/below")(reporter("first below the root"))
    if "headers" in change:  # behind a host nothing is called at once
        app.host("other.example", Router([Route("/hosted", reporter("first of hosts"))]))
    app.api_route("/{rest:path}", methods=["GET", "POST"])(reporter("the rest"))
    app.add_middleware(Change)
    assert f'"{served}"'.encode() in (await ask(indexed(app), make_scope(**before))).body


async def test_routes_that_changed_since_are_searched(app):
    protected = indexed(app)
    await ask(protected, make_scope(path="/fixed0"))

    @app.get("/late/{x}")
    async def late(x): ...

    assert (await ask(protected, make_scope(path="/fixed2"))).status == 200
    assert app.searches == 1
    app.router.routes.insert(0, app.router.routes.pop())
    assert (await ask(protected, make_scope(path="/late/1"))).status == 200


async def test_a_route_that_serves_the_request_no_more_is_not_called(app):
    protected = indexed(app)
    await ask(protected, make_scope(path="/fixed2"))
    next(route for route in app.routes if route.path == "/fixed2").methods = {"POST"}
    assert (await ask(protected, make_scope(path="/fixed2"))).status == 405


async def test_another_list_of_routes_is_searched(app):
    protected = indexed(app)
    await ask(protected, make_scope(path="/fixed2"))
    app.router.routes = [Route("/fixed2", reporter("another"))]
    assert b'"another"' in (await ask(protected, make_scope(path="/fixed2"))).body


async def test_a_route_added_while_the_request_is_on_its_way_is_found(app):
    class Insert(Guard):
        stage = Stage.AUDIT

        async def on_request(self, exchange):
            app.router.routes.insert(0, Route("/fixed2", reporter("new")))

    answer = await ask(indexed(app, Insert()), make_scope(path="/fixed2"))
    assert b'"new"' in answer.body


class Odd(BaseRoute):
    def matches(self, scope):
        return (Match.FULL if scope["path"] == "/fixed2" else Match.NONE), {}

    async def handle(self, scope, receive, send):
        await PlainTextResponse("odd")(scope, receive, send)


class OddRouter(APIRouter):
    def matches(self, scope):
        return (Match.FULL if scope["path"] == "/fixed2" else Match.NONE), {}

    async def handle(self, scope, receive, send):
        await PlainTextResponse("odd")(scope, receive, send)


@pytest.mark.parametrize("odd", ["route", "router"])
async def test_nothing_behind_a_route_of_unknown_kind_is_called_at_once(app, odd):
    if odd == "route":
        app.router.routes.insert(0, Odd())
    else:
        app.include_router(OddRouter())
        app.router.routes.insert(0, app.router.routes.pop())
    assert (await ask(indexed(app), make_scope(path="/fixed2"))).body == b"odd"


async def test_telemetry_and_limits_of_forms_are_left_to_the_router(app):
    assert await searches(app, make_scope(path="/fixed1") | {"fastapi.telemetry": None}) == 1
    app.router.form_limits = {"max_fields": 3}
    assert await searches(app, make_scope(path="/fixed1")) == 1


async def test_outside_the_pipeline_the_router_searches(app):
    RouteDispatch.install(app.router)
    assert (await ask(app, make_scope(path="/fixed1"))).status == 200
    assert app.searches == 1


def test_a_router_with_middleware_of_its_own_is_left_alone():
    router = Router(middleware=[])
    router.middleware_stack = own = object()
    RouteDispatch.install(router)
    assert router.middleware_stack is own


async def test_starlette_is_served_as_well():
    app = Starlette(routes=[Route("/a/{b}", reporter("a"))])
    answer = await ask(indexed(app), make_scope(path="/a/1"))
    assert answer.status == 200


async def test_the_exchange_is_gone_from_the_scope_after_the_request(app):
    """Kept there, each request would wait for the garbage collector."""
    scope = make_scope(path="/fixed1")
    await ask(indexed(app), scope)
    assert EXCHANGE_KEY not in scope


async def test_an_application_within_gives_the_exchange_back(app):
    within, seen = SecurityMiddleware(app, guards=[]), []

    async def between(scope, receive, send):
        before = exchange_of(scope)
        await within(scope, receive, send)
        seen.append(exchange_of(scope) is before)

    await ask(SecurityMiddleware(between, guards=[]), make_scope(path="/fixed1"))
    assert seen == [True]
