from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles

from tests.pipeline.asgi import client, hello, make_scope, websocket_scope
from zenith.pipeline import Guard, Mark, RouteTable, SecurityMiddleware, Stage, add_mark
from zenith.pipeline import routes as module


class Flag(Mark):
    __slots__ = ("name",)

    def __init__(self, name):
        self.name = name


def endpoint(name):
    async def call():
        return name

    return add_mark(call, Flag(name))


def star(name):
    async def call(request):
        return PlainTextResponse(name)

    return add_mark(call, Flag(name))


def names(entry):
    return None if entry is None else [mark.name for mark in entry.marks]


class Watch(Guard):
    """Remembers what the table said of each request."""

    stage = Stage.AUDIT

    def __init__(self):
        self.seen = None

    async def on_request(self, exchange):
        self.seen = [mark.name for mark in exchange.marks]


def fastapi_app():
    app = FastAPI(openapi_url=None)
    app.get("/")(endpoint("root"))
    app.get("/users/me")(endpoint("me"))
    app.get("/users/{user}")(endpoint("user"))
    app.post("/users/{user}")(endpoint("post user"))
    app.get("/users/late")(endpoint("shadowed by the pattern before it"))
    app.get("/{anything}/first")(endpoint("any first"))
    app.get("/named/first")(endpoint("shadowed too"))
    app.get("/numbers/{number:int}")(endpoint("number"))
    app.get("/numbers/{word}")(endpoint("word"))
    app.api_route("/both", methods=["GET", "PUT"])(endpoint("both"))
    app.delete("/both")(endpoint("delete both"))
    app.get("/slash/")(endpoint("slash"))
    app.get("/pre{rest}/x")(endpoint("half a segment"))

    inner, outer = APIRouter(prefix="/inner"), APIRouter(prefix="/outer")
    inner.get("/a")(endpoint("inner a"))
    inner.get("/{b}")(endpoint("inner b"))
    outer.include_router(inner, prefix="/more")
    app.include_router(outer)

    sub = FastAPI(openapi_url=None)
    sub.get("/x")(endpoint("sub x"))
    sub.get("/{y}/z")(endpoint("sub y"))
    sub.mount("/deep", Starlette(routes=[Route("/d", star("deep"))]))
    app.mount("/sub", sub)
    app.mount("/opaque", add_mark(Opaque(), Flag("opaque")))
    app.get("/files/{path:path}")(endpoint("path"))
    return app


class Opaque:
    async def __call__(self, scope, receive, send):
        await PlainTextResponse("opaque")(scope, receive, send)


PATHS = (
    "/",
    "/users/me",
    "/users/late",
    "/users/x",
    "/users/",
    "/users",
    "/named/first",
    "/numbers/7",
    "/numbers/seven",
    "/both",
    "/slash/",
    "/prefix/x",
    "/outer/more/inner/a",
    "/outer/more/inner/q",
    "/outer/more/inner",
    "/sub/x",
    "/sub/q/z",
    "/sub/deep/d",
    "/sub/deep/missing",
    "/sub",
    "/sub/",
    "/subway",
    "/opaque/anything",
    "/files/a/b/c",
    "/files/",
    "/missing",
    "//",
    "/users//",
    "/both/",
    "/users/é",
    "/users/me\n",
    "/both\n",
    "/users/x\n",
    "/numbers/7\n",
    "/users/\n",
    "/\n",
    "/sub/x\n",
    "/sub\n",
    "/opaque/a\n",
    "/files/a\n",
    "/users/me\n\n",
    "/users/me\r",
)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", PATHS)
async def test_the_table_and_the_framework_see_the_same_route(path, method):
    app, watch = fastapi_app(), Watch()
    async with client(SecurityMiddleware(app, guards=[watch])) as http:
        answer = await http.request(method, quote(path))
    if answer.status_code != 200:
        assert watch.seen == []
        return
    served = answer.text.strip('"')
    assert watch.seen == [served]


def starlette_app():
    class Endpoint(HTTPEndpoint):
        async def get(self, request):
            return PlainTextResponse("class")

    add_mark(Endpoint, Flag("class"))
    hosted = Router([Route("/h", star("hosted"))])
    return Starlette(
        routes=[
            Host("api.example.com", hosted),
            Route("/get", star("get")),
            Route("/class", Endpoint),
            Mount("/v1", routes=[Route("/a/{b}", star("v1")), Mount("/v2", routes=[])]),
            Mount("/v1", routes=[Route("/other", star("never reached"))]),
            Mount("/{tenant}/app", routes=[Route("/t", star("tenant"))]),
            Mount("", routes=[Route("/root", star("root"))]),
            Route("/after", star("never reached either")),
        ]
    )


@pytest.mark.parametrize("host", ["localhost", "api.example.com"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(
    "path",
    ["/get", "/class", "/v1/a/x", "/v1/other", "/v1/v2", "/acme/app/t", "/root", "/after", "/h"],
)
async def test_the_same_for_starlette(path, method, host):
    watch = Watch()
    async with client(SecurityMiddleware(starlette_app(), guards=[watch])) as http:
        answer = await http.request(method, path, headers={"host": host})
    if answer.status_code == 200 and method == "GET":
        assert watch.seen == [answer.text]
    elif answer.status_code == 404:
        assert watch.seen == []


async def test_below_a_root_path():
    app, watch = FastAPI(openapi_url=None), Watch()
    app.get("/a")(endpoint("a"))
    protected = SecurityMiddleware(app, guards=[watch])
    table = protected.prepare()
    for path, root, found in (
        ("/api/a", "/api", ["a"]),
        ("/api/a", "", None),
        ("/a", "/api", ["a"]),
        ("/apia", "/api", None),
        ("/api", "/api", None),
    ):
        assert names(table.find(make_scope(path=path, root_path=root))) == found


def test_sockets_and_requests_have_their_own_routes():
    app = FastAPI(openapi_url=None)

    @app.websocket("/both")
    async def socket(websocket: WebSocket): ...

    add_mark(socket, Flag("socket"))
    app.get("/both")(endpoint("request"))
    app.router.routes.append(WebSocketRoute("/star/{x}", add_mark(socket, Flag("star"))))
    table = RouteTable(app)
    assert names(table.find(make_scope(path="/both"))) == ["request"]
    assert "socket" in names(table.find(websocket_scope(path="/both")))
    assert "star" in names(table.find(websocket_scope(path="/star/1")))
    assert table.find(make_scope(path="/star/1")) is None
    assert {entry.kind for entry in table.walk()} == {"http", "websocket"}


async def nested(): ...
async def own(inner: Annotated[None, Depends(nested)]): ...


def test_marks_of_dependencies_count_from_the_router_inwards():
    async def of_router(): ...
    async def of_app(): ...

    for dependency in (nested, own, of_router, of_app):
        add_mark(dependency, Flag(dependency.__name__))
    app = FastAPI(openapi_url=None, dependencies=[Depends(of_app)])
    router = APIRouter(dependencies=[Depends(of_router)])
    call = endpoint("endpoint")
    router.get("/a", dependencies=[Depends(own)])(call)
    app.include_router(router)
    entry = RouteTable(app).find(make_scope(path="/a"))
    assert names(entry) == ["endpoint", "of_app", "of_router", "own", "nested"]


def test_what_fastapi_itself_limits():
    app, router = FastAPI(openapi_url=None), APIRouter()
    router.post("/inherited")(endpoint("a"))
    router.post("/own", max_body_size=7)(endpoint("b"))
    app.include_router(router, max_body_size=5)
    app.post("/none")(endpoint("c"))
    table = RouteTable(app)
    sizes = {entry.path: entry.max_body_size for entry in table.walk()}
    assert sizes == {"/inherited": 5, "/own": 7, "/none": None}


def test_every_entry_is_walked_those_behind_mounts_too():
    paths = {(entry.kind, entry.path) for entry in RouteTable(starlette_app()).walk()}
    assert paths >= {
        ("host", "/"),
        ("http", "/h"),
        ("mount", "/v1"),
        ("http", "/v1/a/{b}"),
        ("mount", "/{tenant}/app"),
        ("http", "/{tenant}/app/t"),
        ("http", "/root"),
    }


def test_a_marked_mount_is_decided_as_a_whole():
    app = Starlette(
        routes=[Mount("/m", add_mark(Starlette(routes=[Route("/a", star("a"))]), Flag("m")))]
    )
    table = RouteTable(app)
    assert [entry.path for entry in table.walk()] == ["/m"]
    assert names(table.find(make_scope(path="/m/a"))) == ["m"]


def test_static_files_are_opaque(tmp_path):
    app = FastAPI(openapi_url=None)
    app.mount("/static", StaticFiles(directory=tmp_path))
    (entry,) = RouteTable(app).walk()
    assert (entry.kind, entry.path, entry.children) == ("mount", "/static", None)


def frontend_app(tmp_path):
    (tmp_path / "index.html").write_text("page")
    (tmp_path / "404.html").write_text("none")

    async def dependency(): ...

    add_mark(dependency, Flag("front"))
    app = FastAPI(openapi_url=None, dependencies=[Depends(dependency)])
    app.frontend("/", directory=tmp_path)
    return app


async def test_frontends_are_listed_and_serve_what_no_route_does(tmp_path):
    app, watch = frontend_app(tmp_path), Watch()
    app.get("/a")(endpoint("a"))
    table = RouteTable(app)
    assert [(entry.kind, entry.path) for entry in table.walk()] == [
        ("http", "/a"),
        ("frontend", "/"),
    ]
    assert names(list(table.walk())[1]) == ["front"]
    async with client(SecurityMiddleware(app, guards=[watch])) as http:
        assert (await http.get("/")).text == "page"
    assert watch.seen == []


def test_frontends_of_included_routers_are_listed_too(tmp_path):
    (tmp_path / "index.html").write_text("page")
    router, app = APIRouter(), FastAPI(openapi_url=None)
    router.frontend("/front", directory=tmp_path)
    app.include_router(router, prefix="/pre", dependencies=[Depends(endpoint("front"))])
    (entry,) = RouteTable(app).walk()
    assert (entry.kind, entry.path, names(entry)) == ("frontend", "/pre", ["front"])


class Odd(BaseRoute):
    """A route of a kind that nobody knows."""

    endpoint = staticmethod(hello)

    def matches(self, scope):
        return (Match.FULL if scope["path"] == "/odd" else Match.NONE), {}

    async def handle(self, scope, receive, send):
        await hello(scope, receive, send)


async def test_unknown_kinds_of_routes_are_listed_and_never_matched():
    app = Starlette(routes=[Odd()])
    table = RouteTable(app)
    assert [entry.kind for entry in table.walk()] == ["unknown"]
    assert table.find(make_scope(path="/odd")) is None


def test_the_table_knows_when_it_is_old():
    app, router, outer = FastAPI(openapi_url=None), APIRouter(), APIRouter()
    outer.include_router(router)
    app.include_router(outer)
    table = RouteTable(app)
    assert table.is_current()
    router.get("/late")(endpoint("late"))
    assert not table.is_current()
    table = RouteTable(app)
    assert names(table.find(make_scope(path="/late"))) == ["late"]
    app.get("/later")(endpoint("later"))
    assert not table.is_current()


def test_an_opaque_application_has_one_entry():
    table = RouteTable(hello)
    (entry,) = table.walk()
    assert (entry.kind, entry.path, entry.endpoint) == ("mount", "/", hello)
    assert table.find(make_scope(path="/any/thing")) is entry
    assert table.is_current()


def test_sockets_pass_mounts():
    async def socket(websocket): ...

    add_mark(socket, Flag("socket"))
    app = Starlette(routes=[Mount("/m", routes=[WebSocketRoute("/s", socket)])])
    assert names(RouteTable(app).find(websocket_scope(path="/m/s"))) == ["socket"]


def test_what_is_remembered_of_a_path_depends_on_nothing_else():
    """A host of its own takes paths away from routes behind it, whoever came before."""
    routes = [
        Host("own.example", Router([Route("/a", star("hosted"))])),
        Route("/a", star("plain")),
    ]
    table = RouteTable(Starlette(routes=routes))

    def found(host, method="GET", root=""):
        scope = make_scope(method, root + "/a", headers=[("host", host)], root_path=root)
        return names(table.find(scope))

    assert found("other.example") == ["plain"]
    assert found("own.example") == ["hosted"]
    assert found("other.example") == ["plain"]
    assert found("other.example", "POST") is None
    assert found("other.example", root="/mounted") == ["plain"]


def test_the_memory_of_paths_is_bounded():
    table = RouteTable(Starlette(routes=[Route("/{each:path}", star("any"))]))
    for number in range(module.MAX_RECENT + 10):
        assert names(table.find(make_scope(path=f"/{number}"))) == ["any"]
    assert len(table._recent) <= module.MAX_RECENT
    assert names(table.find(make_scope(path="/" + "a" * 300))) == ["any"]
    assert not any(len(path) > module.MAX_PATH for _, _, path, _ in table._recent)


async def test_a_route_that_is_added_later_is_found_and_the_rest_is_not():
    app, watch = FastAPI(openapi_url=None), Watch()
    secured = SecurityMiddleware(app, guards=[watch])
    async with client(secured) as caller:
        assert (await caller.get("/later")).status_code == 404
        app.get("/later")(endpoint("later"))
        assert (await caller.get("/nowhere")).status_code == 404
        assert watch.seen == []
        assert (await caller.get("/later")).status_code == 200
        assert watch.seen == ["later"]
