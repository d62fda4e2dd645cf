"""An endpoint called without FastAPI's handler must be seen by nobody: everything here is asked
twice, of plain FastAPI and the short way, and must tell the same.
"""

import asyncio
import functools
from urllib.parse import urlencode

import fastapi
import pytest
from fastapi import APIRouter, FastAPI, Form, Request, routing
from fastapi.routing import APIRoute
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from tests.pipeline.asgi import make_scope
from tests.pipeline.catalogue import BODIES, GETS, HEADERS, POSTS, TYPES, application
from tests.pipeline.test_direct import shortened, told
from zenith.pipeline import handlers
from zenith.pipeline.handlers import EndpointCall, handler_of


@pytest.fixture(scope="module")
def both():
    made = application(), shortened(application())
    # FastAPI knows functions by their ids, which those of applications before these may have had.
    vars(routing)["_endpoint_context_cache"].clear()
    return made


def scope_of(target, *, method="GET", headers=()):
    path, _, query = target.partition("?")
    return make_scope(method, path, query=query.encode(), headers=headers)


async def outcomes(both, *, body=b"", **request):
    return [await told(app, [], scope_of(**request), body) for app in both]


@pytest.mark.parametrize("target", GETS)
async def test_parameters_and_answers_are_the_same(both, target):
    plain, short = await outcomes(both, target=target)
    assert plain == short


@pytest.mark.parametrize("headers", HEADERS, ids=range(len(HEADERS)))
async def test_headers_and_cookies_are_the_same(both, headers):
    plain, short = await outcomes(both, target="/headers", headers=headers)
    assert plain == short


@pytest.mark.parametrize("target", POSTS)
@pytest.mark.parametrize("kind", TYPES)
async def test_bodies_are_the_same(both, target, kind):
    headers = [] if kind is None else [("content-type", kind)]
    for body in BODIES:
        plain, short = await outcomes(
            both, target=target, method="POST", headers=headers, body=body
        )
        assert plain == short, body[:40]


def test_the_endpoints_that_are_called_at_once():
    usual = {
        route.path
        for route in application().routes
        if not isinstance(handler_of(route), EndpointCall)
    }
    assert usual == {"/depends", "/background", "/response", "/thread", "/stream"}


VALUES = st.sampled_from(
    ["", "1", "-1", "x", "red", "1.50", "2026-01-02", "null", "[1]", "%00", "é"]
)
NAMES = st.sampled_from(["needed", "several", "colour", "one", "amount-of", "amount_of", "maybe"])
FIELDS = st.sampled_from(["x-token", "x_token", "under_score", "under-score", "x-many", "cookie"])


@given(
    query=st.lists(st.tuples(NAMES, VALUES), max_size=6),
    headers=st.lists(st.tuples(FIELDS, st.sampled_from(["", "1", "n=3", "session=é"])), max_size=5),
)
def test_whatever_is_sent_the_same_is_told(both, query, headers):
    asked = urlencode(query)
    for target in (f"/query?{asked}", f"/names?{asked}", f"/headers?{asked}"):
        plain, short = asyncio.run(outcomes(both, target=target, headers=headers))
        assert plain == short


async def failing(both, error):
    """What becomes of an error while the body is read."""

    async def receive():
        raise error

    found = []
    for app in both:
        messages, headers = [], [("content-type", "application/json")]

        async def send(message, messages=messages):
            messages.append(dict(message))

        scope = scope_of("/item/7", method="POST", headers=headers)
        try:
            await app(scope, receive, send)
        except Exception as raised:  # noqa: BLE001
            messages.append(repr(raised))
        found.append(messages)
    return found


@pytest.mark.parametrize("error", [HTTPException(413, "large"), OSError("gone"), ValueError("odd")])
async def test_errors_while_a_body_is_read_are_the_same(both, error):
    plain, short = await failing(both, error)
    assert plain == short
    assert plain[0]["status"] == getattr(error, "status_code", 400)


async def test_a_client_that_leaves_is_the_same(both):
    found = []
    for app in both:
        messages = [{"type": "http.request", "body": b"{", "more_body": True}]
        sent = []

        async def receive(messages=messages):
            return messages.pop() if messages else {"type": "http.disconnect"}

        async def send(message, sent=sent):
            sent.append(dict(message))

        headers = [("content-type", "application/json")]
        await app(scope_of("/item/7", method="POST", headers=headers), receive, send)
        found.append(sent)
    assert found[0] == found[1]


async def test_a_mount_is_named_in_errors():
    found = []
    for make in (lambda app: app, shortened):
        scope = make_scope(path="/api/path/x/a/b/c", root_path="/api/")
        found.append(await told(make(application()), [], scope, b""))
    assert found[0] == found[1]


def simple():
    app = FastAPI(openapi_url=None)

    @app.get("/{number}")
    async def read(number: int):
        return number

    return app.routes[-1]


def is_short(route):
    return isinstance(handler_of(route), EndpointCall)


def test_a_version_that_was_not_read_keeps_its_own_handler(monkeypatch):
    assert is_short(simple())
    monkeypatch.setattr(fastapi, "__version__", "0.999.0")
    assert not is_short(simple())
    assert handler_of(simple()) is not None


@pytest.mark.parametrize("step", handlers.STEPS)
def test_tools_that_watch_the_framework_go_on_to_see_it(monkeypatch, step):
    original, route = getattr(routing, step), simple()

    @functools.wraps(original)
    def watched(*args, **kwargs):
        return original(*args, **kwargs)

    def another(*args, **kwargs):
        return original(*args, **kwargs)

    assert is_short(route)
    for found in (watched, another, functools.partial(original), None):
        monkeypatch.setattr(routing, step, found)
        assert not is_short(route)


def test_handlers_of_others_are_left_alone():
    class Own(APIRoute):
        def get_route_handler(self):
            original = super().get_route_handler()

            async def handler(request: Request):
                return await original(request)

            return handler

    app = FastAPI(openapi_url=None)
    router = APIRouter(route_class=Own)

    @router.get("/")
    async def read():
        return 1

    assert not is_short(router.routes[-1])

    @app.post("/form")
    async def form(text: str = Form()):
        return text

    assert handler_of(app.routes[-1]) is None


async def test_requests_at_once_do_not_share_anything(both):
    async def one(number):
        scope = scope_of(f"/item/{number}", method="POST", headers=[("content-type", TYPES[0])])
        messages, error, _ = await told(both[1], [], scope, b'{"name": "a", "inner": {"a": 1}}')
        assert error is None
        return messages[-1]["body"]

    answers = await asyncio.gather(*(one(number) for number in range(50)))
    assert [f'"note":"{number}-"'.encode() in answer for number, answer in enumerate(answers)] == (
        [True] * 50
    )
