from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from fastapi import APIRouter, FastAPI, Request, WebSocket
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from tests.pipeline.asgi import ask, client, connect, make_scope, websocket_scope
from zenith.authorization import AuthorizationGuard, public
from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import SecurityMiddleware
from zenith.transport import (
    ApiVersion,
    ApiVersions,
    CorsGuard,
    CorsSettings,
    Lifecycle,
    TransportGuard,
    deprecated,
)

OLD = ApiVersion(
    "1",
    since=date(2026, 6, 1),
    sunset=date(2027, 1, 1),
    link="https://example.com/move",
    successor="/api/v2",
    ends=True,
)
BEFORE = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
AFTER = datetime(2027, 1, 1, tzinfo=UTC).timestamp()
VENDOR = "application/vnd.shop+json"


class OldItem(BaseModel):
    name: str


class Part(BaseModel):
    number: int


class NewItem(BaseModel):
    title: str
    parts: list[Part] = []


def application(*guards, now=BEFORE, **arguments):
    versions = ApiVersions(OLD, ApiVersion("2"), clock=lambda: now, **arguments)
    app = FastAPI()
    first, second = APIRouter(prefix="/items"), APIRouter(prefix="/items")

    @first.get("/{number}")
    async def read_first(number: int, request: Request) -> OldItem:
        return OldItem(name=f"{number} {request.url.path}")

    @second.get("/{number}")
    async def read_second(number: int) -> NewItem:
        return NewItem(title=str(number))

    @second.get("/{number}/parts")
    @deprecated(date(2026, 1, 1), successor="/api/v2/parts")
    async def read_parts(number: int) -> list[Part]:
        return []

    @second.post("/")
    async def add(item: NewItem) -> NewItem:
        return item

    @app.get("/health")
    async def health():
        return "well"

    app.include_router(first, **versions.place("1"))
    app.include_router(second, **versions.place("2"))
    secured = SecurityMiddleware(app, guards=[TransportGuard(), versions, *guards])
    return secured, versions, app


def asking(*guards, **arguments):
    return client(application(*guards, **arguments)[0])


async def test_by_path():
    async with asking() as http:
        first = await http.get("/api/v1/items/7")
        assert first.json()["name"].startswith("7 ")
        assert first.headers["deprecation"] == "@1780272000"
        assert first.headers["sunset"] == "Fri, 01 Jan 2027 00:00:00 GMT"
        assert first.headers.get_list("link") == [
            '<https://example.com/move>; rel="deprecation"',
            '<https://example.com/move>; rel="sunset"',
            '</api/v2>; rel="successor-version"',
        ]
        second = await http.get("/api/v2/items/7")
        assert second.json() == {"title": "7", "parts": []}
        assert not {"deprecation", "sunset", "link", "vary"} & second.headers.keys()
        unknown = await http.get("/api/v3/items/7")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_version")
        assert unknown.json()["versions"] == ["1", "2"]
        for path in ("/api/items/7", "/api/video", "/apiv3", "/api"):
            assert (await http.get(path)).json()["detail"] == "Not Found", path
        assert (await http.get("/health")).json() == "well"


async def test_an_end_is_an_end():
    async with asking(now=AFTER) as http:
        answer = await http.get("/api/v1/items/7")
        assert (answer.status_code, answer.json()["code"]) == (410, "version_ended")
        assert answer.headers["sunset"] == "Fri, 01 Jan 2027 00:00:00 GMT"
        assert (await http.get("/api/v2/items/7")).status_code == 200


async def test_a_route_has_a_lifecycle_of_its_own():
    async with asking() as http:
        answer = await http.get("/api/v2/items/7/parts")
    assert answer.headers["deprecation"] == "@1767225600"
    assert answer.headers["link"] == '</api/v2/parts>; rel="successor-version"'
    assert "sunset" not in answer.headers


@pytest.mark.parametrize(
    ("path", "version", "status", "answered"),
    [
        ("/api/items/7", None, 200, "2"),
        ("/api/items/7", "1", 200, "1"),
        ("/api/items/7", "2", 200, "2"),
        ("/api/items/7", "3", 400, None),
        ("/api/items/7", "2, 2", 400, None),
        ("/api/items/7", "", 400, None),
        ("/api/v1/items/7", None, 200, "1"),
        ("/api/v1/items/7", "1", 200, "1"),
        ("/api/v1/items/7", "2", 400, None),
        ("/api/v9/items/7", None, 404, None),
        ("/api/missing", "1", 404, "1"),
    ],
)
async def test_by_header(path, version, status, answered):
    headers = {} if version is None else {"api-version": version}
    async with asking(by="header", default="2") as http:
        answer = await http.get(path, headers=headers)
    assert (answer.status_code, answer.headers.get("api-version")) == (status, answered)
    assert answer.headers["vary"] == "API-Version"


async def test_a_header_that_must_be_there():
    async with asking(by="header", header="X-Version") as http:
        answer = await http.get("/api/items/7")
        assert (answer.status_code, answer.json()["code"]) == (400, "version_required")
        assert answer.json()["detail"] == "Name a version in X-Version"
        assert (await http.get("/api/items/7", headers={"x-version": "1"})).status_code == 200
        health = await http.get("/health")
        assert health.json() == "well"
        assert "vary" not in health.headers


@pytest.mark.parametrize(
    ("accept", "default", "status", "kind"),
    [
        (f"{VENDOR}; version=1", None, 200, f"{VENDOR}; version=1"),
        (
            f'{VENDOR};version="2";q=0.5, {VENDOR};version=1;q=0.4',
            None,
            200,
            f"{VENDOR}; version=2",
        ),
        (f"{VENDOR};version=9, {VENDOR};version=1;q=0.1", None, 200, f"{VENDOR}; version=1"),
        (f"text/html, {VENDOR.upper()};Version=1, */*", None, 200, f"{VENDOR}; version=1"),
        (f"{VENDOR}; version=9, */*", "2", 406, "application/problem+json"),
        (f"{VENDOR}; version=1; q=0", "2", 406, "application/problem+json"),
        (f"{VENDOR}; version=1; q=x", "2", 406, "application/problem+json"),
        (f"{VENDOR}", "2", 200, "application/json"),
        ("application/json", "2", 200, "application/json"),
        ("*/*", None, 406, "application/problem+json"),
        (f"text/plain;x={VENDOR}", None, 406, "application/problem+json"),
    ],
)
async def test_by_media_type(accept, default, status, kind):
    async with asking(by="media_type", media_type=VENDOR, default=default) as http:
        answer = await http.get("/api/items/7", headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (status, kind)
    assert answer.headers["vary"] == "Accept"


async def test_a_body_in_the_vendors_type_is_read():
    async with asking(by="media_type", media_type=VENDOR, default="2") as http:
        kind = f"{VENDOR}; version=2"
        headers = {"content-type": kind, "accept": kind}
        answer = await http.post("/api/items/", content=b'{"title": "x"}', headers=headers)
    assert answer.json()["title"] == "x"


async def test_preflights_need_no_version():
    guard = CorsGuard(CorsSettings(origins=("https://a.example",)))
    asked = {"origin": "https://a.example", "access-control-request-method": "GET"}
    async with asking(guard, by="header") as http:
        assert (await http.options("/api/items/7", headers=asked)).status_code == 204
        answer = await http.get("/api/items/7", headers={**asked, "api-version": "2"})
    assert answer.headers.get_list("vary") == ["Origin, API-Version"]


async def page(request):
    return PlainTextResponse(f"{request.url.path} {request.scope['raw_path'].decode()}")


async def test_where_the_application_is_mounted_and_in_which_form_the_path_comes():
    versions = ApiVersions(ApiVersion("1"), by="header", default="1", below="/my/api")
    app = SecurityMiddleware(Starlette(routes=[Route("/my/api/v1/{x}", page)]), guards=[versions])
    outer = Starlette(routes=[Mount("/outer", app)])
    scope = make_scope(path="/outer/my/api/a b", raw_path=b"/outer/my/api/a%20b")
    assert (await ask(outer, scope)).body == b"/outer/my/api/v1/a b /outer/my/api/v1/a%20b"
    assert scope["path"] == "/outer/my/api/a b"
    scope = make_scope(path="/my/api/a") | {"raw_path": None}
    assert (await ask(SecurityMiddleware(_path_only, guards=[versions]), scope)).body == (
        b"/my/api/v1/a"
    )
    disguised = make_scope(path="/my/api/a", raw_path=b"/my/%61pi/a")
    assert (await ask(app, disguised)).status == 404


async def _path_only(scope, receive, send):
    await PlainTextResponse(scope["path"])(scope, receive, send)


async def test_sockets_have_versions_too():
    app = FastAPI()
    versions = ApiVersions(ApiVersion("1"), by="header")
    router = APIRouter()

    @router.websocket("/news")
    async def news(socket: WebSocket):
        await socket.accept()
        await socket.close()

    app.include_router(router, prefix=versions.place("1")["prefix"])
    secured = SecurityMiddleware(app, guards=[versions])
    for headers, kind in (([("api-version", "1")], "accept"), ([], "close")):
        answer = await connect(secured, websocket_scope("/api/news", headers=headers))
        assert answer.messages[0]["type"] == f"websocket.{kind}"


def test_the_description_of_one_version():
    _, versions, app = application()
    schema = app.openapi()
    first, second = versions.openapi(schema, "1"), versions.openapi(schema, "2")
    assert list(first["paths"]) == ["/api/v1/items/{number}"]
    assert first["info"]["version"] == "1"
    assert first["paths"]["/api/v1/items/{number}"]["get"]["deprecated"] is True
    assert "OldItem" in first["components"]["schemas"]
    assert "NewItem" not in first["components"]["schemas"]
    assert {"NewItem", "Part"} <= second["components"]["schemas"].keys()
    assert "deprecated" not in second["paths"]["/api/v2/items/{number}"]["get"]
    secured = {**schema, "components": {"securitySchemes": {"bearer": {}}}, "paths": {}}
    assert versions.openapi(secured, "1")["components"] == {"securitySchemes": {"bearer": {}}}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"default": "1"}, "where the path names it"),
        ({"by": "header", "below": ""}, "every path"),
        ({"by": "header", "default": "3"}, "3 is not declared"),
        ({"by": "header", "header": "no name"}, "no name of a header"),
        ({"by": "media_type"}, "media_type is"),
        ({"by": "media_type", "media_type": "application/json"}, "media_type is"),
        ({"by": "query"}, "by 'query'"),
        ({"below": "/api/"}, "below '/api/'"),
    ],
)
def test_arguments_that_contradict_each_other(arguments, problem):
    with pytest.raises(ConfigurationError, match=problem):
        ApiVersions(ApiVersion("1"), **arguments)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: ApiVersion("v1"), "API version 'v1'"),
        (lambda: ApiVersions(ApiVersion("1"), ApiVersion("1")), "twice"),
        (lambda: ApiVersions(ApiVersion("1")).place("2"), "no API version '2'"),
        (lambda: Lifecycle(since=date(2026, 2, 1), sunset=date(2026, 1, 1)), "before"),
        (lambda: Lifecycle(ends=True), "nobody knows when"),
        (lambda: Lifecycle(since=datetime(2026, 1, 1)), "time zone"),  # noqa: DTZ001
        (lambda: Lifecycle(successor="/a>; rel=x"), "no reference"),
        (lambda: Lifecycle(since=date(2026, 1, 1), link="/a\r\nb"), "no reference"),
    ],
)
def test_what_would_be_wrong_for_ever(make, problem):
    with pytest.raises(ConfigurationError, match=problem):
        make()


def test_times_are_told_in_utc():
    zone = timezone(timedelta(hours=2))
    lifecycle = Lifecycle(sunset=datetime(2027, 1, 1, 2, tzinfo=zone), link="/l")
    assert lifecycle.fields == (
        (b"sunset", b"Fri, 01 Jan 2027 00:00:00 GMT"),
        (b"link", b'</l>; rel="sunset"'),
    )


def test_routes_of_a_version_that_is_not_declared_refuse_the_start():
    app = Starlette(routes=[Route("/api/v3/x", page), Route("/api/x", page)])
    with pytest.raises(ConfigurationError, match="no API version '3'"):
        SecurityMiddleware(app, guards=[ApiVersions(ApiVersion("1"))]).prepare()
    SecurityMiddleware(app, guards=[ApiVersions()]).prepare()


def test_a_deprecation_that_nobody_tells_refuses_the_start():
    route = Route("/", public(deprecated(date(2026, 1, 1))(page)))
    app = SecurityMiddleware(Starlette(routes=[route]), guards=[AuthorizationGuard()])
    with pytest.raises(ConfigurationError, match="DeprecationMark has no guard"):
        app.prepare()
