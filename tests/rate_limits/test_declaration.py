"""`rate_limit`: on every kind of endpoint, with every kind of key, and where no guard helps."""

from __future__ import annotations

import functools

import pytest
from fastapi import Depends, FastAPI
from fastapi.responses import StreamingResponse
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute

from tests.rate_limits.fakes import caller, secured, statuses
from zenith.kernel.errors import ConfigurationError, SecurityError
from zenith.pipeline import SecurityMiddleware, enforced_marks, marks_of
from zenith.pipeline.middleware import respond
from zenith.rate_limits import Limit, rate_limit


class Opaque:
    """Hides the routes from the table, so that no guard knows what they declare."""

    def __init__(self, app):
        self._inside = app

    async def __call__(self, scope, receive, send):
        await self._inside(scope, receive, send)


@pytest.fixture(params=["seen", "hidden"])
def secure(request):
    """Behind the guards, with routes that they see and with routes that they do not."""

    def wrap(app):
        if request.param == "seen":
            return secured(app)
        # What SecurityMiddleware does for an application that it can see.
        app.add_exception_handler(SecurityError, respond)
        return secured(Opaque(app))

    return wrap


def kinds():
    app = FastAPI()

    @app.get("/coroutine")
    @rate_limit(requests=2, window=60)
    async def coroutine(term: str = "x"):
        return term

    @app.get("/function")
    @rate_limit(requests=2, window=60)
    def function():
        return {}

    @app.get("/dependency", dependencies=[Depends(rate_limit("2/minute"))])
    async def dependency():
        return {}

    async def pieces():
        yield "a"
        yield "b"

    @app.get("/stream")
    @rate_limit("2/minute")
    async def stream():
        return StreamingResponse(pieces())

    return app


@pytest.mark.parametrize("path", ["/coroutine", "/function", "/dependency", "/stream"])
async def test_each_kind_of_endpoint(secure, path):
    app = secure(kinds())
    assert await statuses(app, path, 3) == [200, 200, 429]
    assert await statuses(app, path, 1, **{"x-client": "9.9.9.9"}) == [200]


async def test_generators_as_dependencies_and_endpoints(secure):
    app = FastAPI()

    @rate_limit("2/minute", name="async generator")
    async def connection():
        yield "c"

    @rate_limit("2/minute", name="generator")
    def cursor():
        yield "d"

    @app.get("/a")
    async def a(value: str = Depends(connection)):
        return value

    @app.get("/b")
    async def b(value: str = Depends(cursor)):
        return value

    wrapped = secure(app)
    assert await statuses(wrapped, "/a", 3) == [200, 200, 429]
    assert await statuses(wrapped, "/b", 3) == [200, 200, 429]
    async with caller(wrapped, **{"x-client": "9.9.9.9"}) as client:
        assert (await client.get("/a")).json() == "c"
        assert (await client.get("/b")).json() == "d"


async def test_starlette_endpoints_classes_and_mounts(secure):
    @rate_limit("2/minute")
    class Page(HTTPEndpoint):
        async def get(self, request):
            return PlainTextResponse("page")

    class Files:
        async def __call__(self, scope, receive, send):
            await PlainTextResponse("file")(scope, receive, send)

    app = Starlette(
        routes=[
            Route("/page", Page),
            Mount("/files", app=rate_limit("2/minute")(Files())),
        ]
    )
    wrapped = secure(app)
    assert await statuses(wrapped, "/page", 3) == [200, 200, 429]
    assert await statuses(wrapped, "/files/a", 3) == [200, 200, 429]


async def test_a_mounted_application_passes_its_lifespan():
    seen = []

    @rate_limit("2/minute")
    @functools.partial
    async def partial(scope, receive, send):
        raise AssertionError

    class Inner:
        async def __call__(self, scope, receive, send):
            seen.append(scope["type"])

    await rate_limit("2/minute")(Inner())({"type": "lifespan"}, None, None)
    assert seen == ["lifespan"]
    assert marks_of(partial) == enforced_marks(partial)


async def test_websocket_handshakes_count(secure):
    async def echo(websocket):
        await websocket.accept()
        await websocket.close()

    app = secure(Starlette(routes=[WebSocketRoute("/ws", rate_limit("2/minute")(echo))]))
    scope = {"type": "websocket", "path": "/ws", "headers": [], "query_string": b""}
    answers = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        answers.append((message["type"], message.get("code")))

    for _ in range(3):
        await app({**scope, "client": ("1.1.1.1", 1)}, receive, send)
    assert answers == [
        ("websocket.accept", None),
        ("websocket.close", 1000),
        ("websocket.accept", None),
        ("websocket.close", 1000),
        ("websocket.close", 1008),
    ]


async def test_every_path_and_method_of_an_endpoint_shares_its_counters(secure):
    app = FastAPI()

    @app.get("/v1/search")
    @app.post("/v1/search")
    @app.get("/v2/search/{term}")
    @rate_limit("3/minute")
    async def search(term: str = ""):
        return term

    @app.get("/v1/other")
    @rate_limit("3/minute")
    async def other():
        return {}

    wrapped = secure(app)
    assert await statuses(wrapped, "/v1/search", 1) == [200]
    assert await statuses(wrapped, "/v1/search", 1, method="POST") == [200]
    assert await statuses(wrapped, "/v2/search/a", 2) == [200, 429]
    assert await statuses(wrapped, "/v1/other", 1) == [200]


async def test_a_name_shares_counters(secure):
    app = FastAPI()
    mail = rate_limit("3/minute", name="mail")

    @app.get("/a")
    @mail
    async def a():
        return {}

    @app.get("/b", dependencies=[Depends(mail)])
    async def b():
        return {}

    wrapped = secure(app)
    assert await statuses(wrapped, "/a", 2) == [200, 200]
    assert await statuses(wrapped, "/b", 2) == [200, 429]


async def test_several_declarations_on_one_endpoint(secure):
    app = FastAPI()

    @app.get("/a")
    @rate_limit("5/minute", per="everyone")
    @rate_limit("3/minute")
    async def a():
        return {}

    wrapped = secure(app)
    assert await statuses(wrapped, "/a", 4) == [200, 200, 200, 429]
    # Refusals by address cost everyone nothing, where all is known before the endpoint.
    others = await statuses(wrapped, "/a", 3, **{"x-client": "9.9.9.9"})
    assert others[0] == 200
    assert others[-1] == 429


async def test_costs(secure):
    app = FastAPI()

    @app.get("/export")
    @rate_limit("10/minute", cost=4)
    async def export():
        return {}

    assert await statuses(secure(app), "/export", 3) == [200, 200, 429]


async def test_per_tenant(secure):
    app = FastAPI()

    @app.get("/a")
    @rate_limit("2/minute", per="tenant")
    async def a():
        return {}

    wrapped = secure(app)
    for subject, tenant, status in [
        ("alice", "acme", 200),
        ("bob", "acme", 200),
        ("carol", "acme", 429),
        ("dave", "other", 200),
        ("alice", "", 200),
        ("alice", "", 200),
        ("alice", "", 429),
        ("bob", "", 200),
    ]:
        headers = {"x-subject": subject, "x-tenant": tenant}
        assert await statuses(wrapped, "/a", 1, **headers) == [status]


async def test_own_keys(secure):
    app = FastAPI()

    @app.get("/a")
    @rate_limit("1/minute", key_func=lambda request: request.headers.get("x-device", "none"))
    async def a():
        return {}

    wrapped = secure(app)
    assert await statuses(wrapped, "/a", 2, **{"x-device": "1"}) == [200, 429]
    assert await statuses(wrapped, "/a", 2, **{"x-device": "2"}) == [200, 429]


async def test_a_key_function_sees_the_client_behind_the_proxy(secure):
    app = FastAPI()
    seen = []

    def key(request):
        seen.append(request.client.host)
        return request.client.host

    @app.get("/a")
    @rate_limit("9/minute", key_func=key)
    async def a():
        return {}

    wrapped = secure(app)
    await statuses(wrapped, "/a", 1)
    await statuses(wrapped, "/a", 1, **{"x-client": "9.9.9.9"})
    assert seen == ["127.0.0.1", "9.9.9.9"]


async def test_a_key_function_without_a_peer():
    seen = []

    def key(request):
        seen.append(request.client)
        return "k"

    async def inner(scope, receive, send):
        await PlainTextResponse("ok")(scope, receive, send)

    app = secured(rate_limit("9/minute", key_func=key)(inner))
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}

    async def send(message):
        pass

    await app(scope, None, send)
    assert seen == [("unknown", 0)]


@pytest.mark.parametrize("key", ["", None, 7])
async def test_a_key_that_is_no_text_is_an_error_and_admits_nobody(secure, key):
    app = FastAPI()
    called = []

    @app.get("/a")
    @rate_limit("1/minute", key_func=lambda request: key)
    async def a():
        called.append(1)

    assert await statuses(secure(app), "/a", 2) == [500, 500]
    assert not called


async def test_without_the_guard_the_endpoint_is_not_reached():
    app = SecurityMiddleware(kinds(), guards=[])
    assert await statuses(app, "/coroutine", 1) == [500]
    assert await statuses(app, "/function", 1) == [500]


async def test_outside_the_pipeline_the_endpoint_is_not_reached():
    called = []

    @rate_limit("1/minute")
    async def endpoint():
        called.append(1)

    with pytest.raises(ConfigurationError, match="SecurityMiddleware"):
        await endpoint()
    assert not called


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"limits": "3/moon"}, "second, minute"),
        ({"requests": 0}, "requests"),
        ({"window": 0}, "window"),
        ({"strategy": "magic"}, "token_bucket"),
        ({"limits": "3/minute", "strategy": "magic"}, "token_bucket"),
        ({"per": "planet"}, "address, network, everyone, principal"),
        ({"cost": 0}, "cost"),
        ({"cost": 101}, "cost"),
        ({"cost": 1.5}, "cost"),
        ({"limits": []}, "limits nothing"),
    ],
)
def test_what_makes_no_sense_refuses_the_start(arguments, said):
    with pytest.raises(ConfigurationError, match=said):
        rate_limit(**arguments)


def test_what_cannot_be_called_cannot_be_limited():
    with pytest.raises(ConfigurationError, match="cannot be called"):
        rate_limit("1/minute")("text")

    class Nothing:
        pass

    with pytest.raises(ConfigurationError, match="dispatch"):
        rate_limit("1/minute")(Nothing)


def test_a_declaration_shows_itself():
    mark = rate_limit([Limit(3, 60, "token_bucket"), Limit(9, 90)], name="x")
    assert repr(mark) == "<rate limit: x|token_bucket|3|60, x|sliding_window|9|90>"
