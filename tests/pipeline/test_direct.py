"""The short way to a route must be seen by nobody: every application here is asked twice, as plain
FastAPI and behind the pipeline with the short way, and must tell the same.
"""

import asyncio
import json
from typing import Annotated

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, File, Form, HTTPException, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from tests.pipeline.asgi import ask, make_scope
from zenith.pipeline import (
    DirectCall,
    RouteDispatch,
    SecurityMiddleware,
    fail,
)
from zenith.pipeline.direct import handlers_in
from zenith.pipeline.handlers import handler_of


class OwnError(Exception):
    pass


class Item(BaseModel):
    name: str


class Rater:
    def __call__(self, q: int = 1) -> int:
        return q * 2


class Opened:
    """A dependency that is a generator because of how it is called."""

    def __init__(self, log):
        self.log = log

    async def __call__(self):
        self.log.append("object opened")
        yield "object"
        self.log.append("object closed")


def application(log):
    """An application in which everything that FastAPI promises to do in order leaves a trace."""
    app = FastAPI(openapi_url=None)
    add_dependencies(app, log)
    add_bodies(app, log)
    add_failures(app)
    add_handlers(app, log)
    app.router.routes.append(Route("/starlette", lambda request: PlainTextResponse("starlette")))
    return app


def add_dependencies(app, log):

    async def opened():
        log.append("opened")
        try:
            yield "value"
        except OwnError:
            log.append("saw the error")
            raise
        finally:
            log.append("closed")

    async def plain(request: Request):
        return request.url.path

    @app.get("/plain/{number}")
    async def read(
        number: int, where: Annotated[str, Depends(plain)], twice: Annotated[int, Depends(Rater())]
    ):
        return {"number": number, "where": where, "twice": twice}

    @app.get("/generator")
    async def generator(
        value: Annotated[str, Depends(opened)], error: bool = False, broken: bool = False
    ):
        log.append("handled")
        if broken:
            raise ZeroDivisionError
        if error:
            raise OwnError
        return value

    app.get("/object")(_returning(Depends(Opened(log))))

    @app.get("/thread")
    def thread():
        return "from a thread"


def add_bodies(app, log):
    @app.post("/items")
    async def create(item: Item, tasks: BackgroundTasks):
        tasks.add_task(log.append, "in the background")
        return item

    @app.post("/body-then-error")
    async def body_then_error(request: Request):
        await request.body()
        raise OwnError

    @app.post("/form")
    async def form(text: Annotated[str, Form()], file: Annotated[bytes, File()] = b""):
        return {"text": text, "size": len(file)}


def add_failures(app):
    @app.get("/http-error")
    async def http_error():
        raise HTTPException(418, "teapot", headers={"x-own": "yes"})

    @app.get("/broken")
    async def broken():
        raise ZeroDivisionError

    @app.get("/status")
    async def status():
        raise HTTPException(404, "gone for good")

    @app.get("/stream")
    async def stream(fails: bool = False, handled: bool = False):
        async def chunks():
            yield b"one"
            if handled:
                raise OwnError
            if fails:
                raise ZeroDivisionError
            yield b"two"

        return StreamingResponse(chunks())

    @app.get("/bad-handler")
    async def bad_handler():
        raise LookupError


def add_handlers(app, log):
    async def own_answer(request, error):
        body = (await request.body()).decode() if request.method == "POST" else ""
        log.append("handler")
        return JSONResponse({"own": True, "body": body}, status_code=409)

    async def not_found(request, error):
        return PlainTextResponse("by status", status_code=404)

    async def fails_too(request, error):
        raise OwnError from error

    async def server_error(request, error):
        log.append(f"500 for {type(error).__name__}")
        return PlainTextResponse("own 500", status_code=500)

    app.add_exception_handler(OwnError, own_answer)
    app.add_exception_handler(404, not_found)
    app.add_exception_handler(LookupError, fails_too)
    app.add_exception_handler(Exception, server_error)


def _returning(dependency):
    async def endpoint(value: str = dependency):
        return value

    return endpoint


def shortened(app):
    """What `Zenith` makes of an application."""
    dispatch = RouteDispatch.install(app.router)
    stack = app.build_middleware_stack()
    router, app.router = app.router, fail
    failing = app.build_middleware_stack()
    app.router = router
    direct = DirectCall.around(stack, failing=failing, dispatch=dispatch, application=app)
    assert isinstance(direct, DirectCall)

    async def called(scope, receive, send):
        scope["app"] = app
        await direct(scope, receive, send)

    return SecurityMiddleware(called, guards=[], routes_from=app)


async def told(app, log, scope, body):
    """Answer, error and traces of one request."""
    del log[:]
    error = None
    messages = []

    chunks = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        return chunks.pop() if chunks else await asyncio.Event().wait()

    async def send(message):
        messages.append(dict(message))

    try:
        await app(scope, receive, send)
    except Exception as raised:  # noqa: BLE001
        error = (type(raised).__name__, type(raised.__cause__).__name__)
    return messages, error, list(log)


REQUESTS = [
    ("GET", "/plain/7", b"", b""),
    ("GET", "/plain/7", b"q=4", b""),
    ("GET", "/plain/seven", b"", b""),
    ("HEAD", "/plain/7", b"", b""),
    ("POST", "/plain/7", b"", b""),
    ("GET", "/nowhere", b"", b""),
    ("GET", "/plain/7/", b"", b""),
    ("GET", "/generator", b"", b""),
    ("GET", "/generator", b"error=1", b""),
    ("GET", "/generator", b"broken=1", b""),
    ("GET", "/object", b"", b""),
    ("GET", "/thread", b"", b""),
    ("POST", "/items", b"", b'{"name": "a"}'),
    ("POST", "/items", b"", b"{"),
    ("POST", "/items", b"", b"{}"),
    ("POST", "/body-then-error", b"", b"kept"),
    ("POST", "/form", b"", b"text=a"),
    ("GET", "/http-error", b"", b""),
    ("GET", "/broken", b"", b""),
    ("GET", "/status", b"", b""),
    ("GET", "/stream", b"", b""),
    ("GET", "/stream", b"fails=1", b""),
    ("GET", "/stream", b"handled=1", b""),
    ("GET", "/bad-handler", b"", b""),
    ("GET", "/starlette", b"", b""),
]


@pytest.mark.parametrize(("method", "path", "query", "body"), REQUESTS)
async def test_both_ways_tell_the_same(method, path, query, body):
    kind = "application/x-www-form-urlencoded" if path == "/form" else "application/json"
    outcomes = []
    for make in (lambda app: app, shortened):
        log = []
        app = make(application(log))
        scope = make_scope(method, path, query=query, headers=[("content-type", kind)])
        outcomes.append(await told(app, log, scope, body))
    assert outcomes[0] == outcomes[1]


COOKIES = {
    "none": [],
    "one": [("cookie", "a=1; b=2")],
    "odd": [("cookie", 'a="x\\054y"; a=2; c; =d; e=f=g; \xe9=1')],
    "empty": [("cookie", "")],
    "two headers": [("cookie", "a=1"), ("cookie", "a=2; b=3")],
}


@pytest.mark.parametrize("sent", COOKIES)
async def test_cookies_and_queries_are_what_they_are(sent):
    async def read(request: Request):
        request.cookies["own"] = "only here"
        return [request.cookies, list(request.query_params.multi_items())]

    answers = []
    for make in (lambda app: app, shortened):
        app = FastAPI(openapi_url=None)
        app.get("/")(read)
        served = make(app)
        for query in (b"", b"a=1&a=2"):
            for _ in range(2):
                scope = make_scope(headers=COOKIES[sent], query=query)
                answers.append((await ask(served, scope)).body)
    assert answers[:4] == answers[4:]


def test_what_may_be_called_without_the_rest():
    app = application([])
    short = {route.path: handler_of(route) is not None for route in app.routes}
    assert short == {
        "/plain/{number}": True,
        "/generator": False,
        "/object": False,
        "/thread": True,
        "/items": True,
        "/body-then-error": True,
        "/form": False,
        "/http-error": True,
        "/broken": True,
        "/status": True,
        "/stream": True,
        "/bad-handler": True,
        "/starlette": False,
    }


async def test_replaced_dependencies_may_be_generators():
    log = []
    app = FastAPI(openapi_url=None)

    async def original():
        return "original"

    @app.get("/")
    async def read(value: Annotated[str, Depends(original)]):
        log.append(value)
        return value

    async def replaced():
        yield "replaced"
        log.append("closed")

    secured = shortened(app)
    assert (await ask(secured, make_scope())).body == b'"original"'
    app.dependency_overrides = {original: replaced}
    assert (await ask(secured, make_scope())).body == b'"replaced"'
    assert log == ["original", "replaced", "closed"]


async def test_requests_at_once_do_not_share_anything():
    app = FastAPI(openapi_url=None)

    @app.get("/{number}")
    async def read(number: int, request: Request):
        await asyncio.sleep(0)
        return [number, request.path_params["number"]]

    secured = shortened(app)
    answers = await asyncio.gather(*(ask(secured, make_scope(path=f"/{n}")) for n in range(50)))
    assert [json.loads(answer.body) for answer in answers] == [[n, str(n)] for n in range(50)]


async def test_what_an_application_around_has_decided_stays():
    """Inside another FastAPI application parameters of both are there, and its search is used."""
    inner = FastAPI(openapi_url=None)

    @inner.get("/{number}")
    async def read(request: Request, number: int):
        return dict(request.path_params)

    secured = shortened(inner)
    scope = make_scope(path="/7")
    scope["path_params"] = {"tenant": "a"}
    assert json.loads((await ask(secured, scope)).body) == {"tenant": "a", "number": "7"}


def test_a_stack_without_exception_handlers_is_left_alone():
    assert handlers_in(object()) is None
    unknown = object()
    assert DirectCall.around(unknown, failing=None, dispatch=None, application=None) is unknown
    found = handlers_in(ExceptionMiddleware(lambda *_: None, handlers={OwnError: fail}))
    assert found[0][OwnError] is fail
