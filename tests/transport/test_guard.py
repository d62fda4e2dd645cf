from __future__ import annotations

import asyncio

import pytest
from fastapi import APIRouter, FastAPI, Form, UploadFile
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from tests.pipeline.asgi import (
    Answer,
    ask,
    client,
    connect,
    hello,
    make_exchange,
    make_scope,
    receiver,
    websocket_scope,
)
from zenith.kernel.errors import BadRequestError, MisdirectedRequestError, PayloadTooLargeError
from zenith.pipeline import Exchange, Mark, SecurityMiddleware, deadlines
from zenith.transport import (
    HttpsRedirectError,
    HttpsRequiredError,
    TransportGuard,
    TransportSettings,
    UriTooLongError,
    body_limit,
    time_limit,
)
from zenith.transport.body import GuardedBody

NAVIGATION = ("sec-fetch-mode", "navigate")
ONLY_HTTPS = TransportSettings(https_only=True, allowed_hosts=("localhost", "[::1]"))


def secured(app, **settings):
    return SecurityMiddleware(app, guards=[TransportGuard(TransportSettings(**settings))])


async def looked_at(*args, settings=None, **more):
    exchange = make_exchange(*args, **more)
    TransportGuard(settings).on_request(exchange)
    return exchange


async def test_an_honest_request_passes_and_is_described():
    exchange = await looked_at(headers=[("host", "LOCALHOST:8000")])
    assert (exchange.host, exchange.secure, exchange.client) == (
        "localhost:8000",
        False,
        "203.0.113.9",
    )


async def test_the_deadline_counts_from_now():
    exchange = make_exchange()
    TransportGuard(steady=lambda: 100.0).on_request(exchange)
    assert exchange.deadline == 130.0


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ([("host", "evil.example")], MisdirectedRequestError),
        ([("host", "")], BadRequestError),
        ([("host", "localhost"), ("host", "localhost")], BadRequestError),
    ],
)
async def test_hosts(headers, error):
    with pytest.raises(error):
        await looked_at(headers=headers)


async def test_a_missing_host_is_a_bad_request():
    scope = make_exchange().scope
    scope["headers"].clear()
    exchange = Exchange(scope, receiver())
    with pytest.raises(BadRequestError):
        TransportGuard().on_request(exchange)


async def test_sockets_pass_the_same_door():
    exchange = Exchange(websocket_scope(), receiver())
    TransportGuard().on_request(exchange)
    assert exchange.host == "localhost"
    with pytest.raises(UriTooLongError):
        TransportGuard().on_request(Exchange(websocket_scope(path="/" + "a" * 9000), receiver()))


@pytest.mark.parametrize(
    ("method", "headers", "version", "wrapped"),
    [
        ("GET", [], "1.1", False),
        ("HEAD", [], "1.0", False),
        ("OPTIONS", [], "1.1", False),
        ("GET", [("content-length", "0")], "1.1", True),
        ("GET", [("transfer-encoding", "chunked")], "1.1", True),
        ("GET", [], "2", True),
        ("POST", [], "1.1", True),
        ("DELETE", [], "1.1", True),
    ],
)
async def test_wherever_a_body_may_come_it_is_counted(method, headers, version, wrapped):
    exchange = await looked_at(method, headers=headers, http_version=version)
    assert isinstance(exchange.receive, GuardedBody) is wrapped


async def test_an_announced_body_is_refused_before_it_is_read():
    settings = TransportSettings(max_body_size=100)
    await looked_at("POST", headers=[("content-length", "100")], settings=settings)
    with pytest.raises(PayloadTooLargeError):
        await looked_at("POST", headers=[("content-length", "101")], settings=settings)


async def test_marks_of_other_guards_change_no_limit():
    exchange = make_exchange("POST", headers=[("content-length", "100")])
    exchange.marks = (Mark(),)
    TransportGuard().on_request(exchange)


async def test_https_only_lets_https_pass():
    await looked_at(settings=ONLY_HTTPS, scheme="https")


@pytest.mark.parametrize(
    ("scope", "location"),
    [
        ({}, "https://localhost/"),
        ({"path": "/a b", "raw_path": b"/a%20b", "query": b"c=d"}, "https://localhost/a%20b?c=d"),
        ({"path": "/é", "raw_path": b""}, "https://localhost/%C3%A9"),
        ({"headers": [("host", "localhost:8000")]}, "https://localhost/"),
        ({"headers": [("host", "[::1]:8000")]}, "https://[::1]/"),
        ({"headers": [("host", "[::1]")]}, "https://[::1]/"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_navigations_are_sent_on_to_https(method, scope, location):
    scope = scope | {"headers": [*scope.get("headers", ()), NAVIGATION]}
    with pytest.raises(HttpsRedirectError) as caught:
        await looked_at(method, settings=ONLY_HTTPS, **scope)
    assert caught.value.status == 308
    assert caught.value.headers == {"Location": location}


@pytest.mark.parametrize(
    ("method", "headers"), [("POST", [NAVIGATION]), ("GET", []), ("GET", [("accept", "*/*")])]
)
async def test_everything_else_over_http_is_refused(method, headers):
    with pytest.raises(HttpsRequiredError) as caught:
        await looked_at(method, headers=headers, settings=ONLY_HTTPS)
    assert caught.value.status == 403


async def test_sockets_without_tls_are_refused():
    exchange = Exchange(websocket_scope(headers=[NAVIGATION]), receiver())
    with pytest.raises(HttpsRequiredError) as caught:
        TransportGuard(ONLY_HTTPS).on_request(exchange)
    assert caught.value.status == 403
    TransportGuard(ONLY_HTTPS).on_request(Exchange(websocket_scope(scheme="wss"), receiver()))


async def test_a_redirect_is_a_whole_answer():
    app = secured(hello, https_only=True)
    answer = await ask(app, make_scope(path="/x", headers=[NAVIGATION]))
    assert (answer.status, answer.headers[b"location"]) == (308, b"https://localhost/x")


# Bodies in real applications ------------------------------------------------------------------


def fastapi_app():
    app = FastAPI()

    @app.post("/json")
    async def json(data: dict):
        return len(data)

    @app.post("/form")
    async def form(a: str = Form()):
        return len(a)

    @app.post("/file")
    async def file(file: UploadFile):
        return len(await file.read())

    @app.post("/marked")
    @body_limit(3_000)
    async def marked(file: UploadFile):
        return len(await file.read())

    @app.post("/native", max_body_size=3_000)
    async def native(file: UploadFile):
        return len(await file.read())

    router = APIRouter()

    @router.post("/included")
    async def included(file: UploadFile):
        return len(await file.read())

    app.include_router(router, max_body_size=3_000)
    return app


def starlette_app():
    async def read(request):
        return PlainTextResponse(str(len(await request.body())))

    async def form(request):
        async with request.form() as found:
            return PlainTextResponse(str(len(found)))

    async def passed(request, call_next):
        return await call_next(request)

    @body_limit(3_000)
    async def marked(request):
        return await read(request)

    return Starlette(
        routes=[
            Route("/json", read, methods=["POST"]),
            Route("/form", form, methods=["POST"]),
            Route("/marked", marked, methods=["POST"]),
        ],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=passed)],
    )


async def pieces(body, size=100):
    for start in range(0, len(body), size):
        yield body[start : start + size]


BODIES = {
    "/json": ("application/json", b'{"a": "%s"}'),
    "/form": ("application/x-www-form-urlencoded", b"a=%s"),
    "/file": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n%s\r\n--x--\r\n',
    ),
}


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("path", BODIES)
async def test_fastapi_answers_413_whatever_reads_the_body(path, chunked):
    content_type, body = BODIES[path]
    async with client(secured(fastapi_app(), max_body_size=1000)) as http:
        for size, status in ((500, 200), (2000, 413)):
            content = body % (b"a" * size)
            answer = await http.post(
                path,
                content=pieces(content) if chunked else content,
                headers={"content-type": content_type},
            )
            assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "payload_too_large"


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("path", ["/json", "/form"])
async def test_starlette_does_too_even_behind_its_own_middleware(path, chunked):
    content_type, body = BODIES[path]
    async with client(secured(starlette_app(), max_body_size=1000)) as http:
        for size, status in ((500, 200), (2000, 413)):
            content = body % (b"a" * size)
            answer = await http.post(
                path,
                content=pieces(content) if chunked else content,
                headers={"content-type": content_type},
            )
            assert answer.status_code == status, answer.text


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("path", ["/marked", "/native", "/included"])
async def test_a_route_may_allow_more(path, chunked):
    content_type, body = BODIES["/file"]
    async with client(secured(fastapi_app(), max_body_size=1000)) as http:
        for size, status in ((2000, 200), (4000, 413)):
            content = body % (b"a" * size)
            answer = await http.post(
                path,
                content=pieces(content) if chunked else content,
                headers={"content-type": content_type},
            )
            assert answer.status_code == status, answer.text


async def test_a_starlette_route_may_allow_more():
    async with client(secured(starlette_app(), max_body_size=1000)) as http:
        assert (await http.post("/marked", content=b"a" * 2000)).text == "2000"
        assert (await http.post("/marked", content=b"a" * 4000)).status_code == 413


async def test_a_bare_application_is_covered():
    app = secured(hello, max_body_size=1000)
    assert (await ask(app, make_scope("POST"), b"a" * 600, b"b" * 400)).status == 200
    assert (await ask(app, make_scope("POST"), b"a" * 600, b"b" * 401)).status == 413


# Time -----------------------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(deadlines, "INTERVAL", 0.01)


def slow_app():
    app = FastAPI()

    @app.get("/slow")
    async def slow():
        await asyncio.sleep(60)

    @app.get("/patient")
    @time_limit(60)
    async def patient():
        await asyncio.sleep(0.15)
        return "done"

    @app.get("/stream")
    async def stream():
        async def content():
            for _ in range(3):
                yield b"x"
                await asyncio.sleep(0.05)

        return StreamingResponse(content())

    @app.post("/body")
    async def body(data: dict):
        return data

    @app.websocket("/socket")
    async def socket(websocket):
        await asyncio.sleep(60)

    return app


@pytest.mark.usefixtures("impatient")
async def test_a_handler_that_never_answers_is_stopped():
    async with client(secured(slow_app(), request_timeout=0.05)) as http:
        answer = await http.get("/slow")
        assert (answer.status_code, answer.json()["code"]) == (504, "timeout")
        # The task of this test served the request: it must not stay cancelled.
        assert asyncio.current_task().cancelling() == 0
        assert (await http.get("/slow")).status_code == 504


@pytest.mark.usefixtures("impatient")
async def test_a_route_may_take_longer():
    async with client(secured(slow_app(), request_timeout=0.05)) as http:
        assert (await http.get("/patient")).json() == "done"


@pytest.mark.usefixtures("impatient")
async def test_a_response_that_has_begun_may_take_its_time():
    async with client(secured(slow_app(), request_timeout=0.05)) as http:
        assert (await http.get("/stream")).text == "xxx"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
async def test_a_body_that_trickles_in_is_refused(content_type):
    first = True

    async def receive():
        nonlocal first
        if not first:
            await asyncio.sleep(60)
        first = False
        return {"type": "http.request", "body": b"{", "more_body": True}

    answer = Answer()
    headers = [("content-type", content_type), ("content-length", "100")]
    scope = make_scope("POST", "/body", headers=headers)
    await secured(slow_app(), request_timeout=0.05)(scope, receive, answer.send)
    assert answer.status == 408


@pytest.mark.usefixtures("impatient")
async def test_a_handshake_that_is_never_accepted_is_closed():
    async def stuck(scope, receive, send):
        await asyncio.sleep(60)

    answer = await connect(secured(stuck, request_timeout=0.05), websocket_scope())
    assert answer.messages == [
        {"type": "websocket.close", "code": 1008, "reason": "No answer in time"}
    ]


@pytest.mark.usefixtures("impatient")
async def test_an_accepted_socket_may_live():
    async def living(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await asyncio.sleep(0.15)
        await send({"type": "websocket.close", "code": 1000})

    answer = await connect(secured(living, request_timeout=0.05), websocket_scope())
    assert [message["type"] for message in answer.messages] == [
        "websocket.accept",
        "websocket.close",
    ]
