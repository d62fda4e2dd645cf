from __future__ import annotations

import functools
import inspect

import pytest
from fastapi import Depends, FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from tests.authorization.people import ALICE, BOB, only_the_pipeline, status
from tests.pipeline.asgi import (
    ask,
    client,
    connect,
    hello,
    make_exchange,
    make_scope,
    websocket_scope,
)
from zenith.authorization import (
    Access,
    authenticated,
    mark_access,
    public,
    require_permission,
    require_role,
    require_scope,
)
from zenith.authorization.access import accesses
from zenith.authorization.requirements import SignedIn
from zenith.kernel.errors import (
    AuthenticationError,
    ConfigurationError,
    PermissionDeniedError,
)
from zenith.kernel.principal import ANONYMOUS, Principal
from zenith.pipeline import Mark, current_exchange, enforced_marks, marks_of
from zenith.pipeline.enforced import EnforcedApplication

WRITE = require_permission("posts:write")


def refusal(access, principal, failure=None):
    exchange = make_exchange(principal=principal)
    exchange.failure = failure
    access.ask(exchange)


def test_who_is_admitted_goes_on():
    for access in (WRITE, require_role("editor"), require_scope("read"), authenticated, public):
        refusal(access, ALICE)
    refusal(public, ANONYMOUS)


def test_strangers_are_asked_who_they_are():
    with pytest.raises(AuthenticationError):
        refusal(WRITE, ANONYMOUS)


def test_a_credential_that_did_not_hold_is_named():
    error = AuthenticationError("Token expired")
    with pytest.raises(AuthenticationError) as caught:
        refusal(WRITE, ANONYMOUS, error)
    assert caught.value is error


def test_who_is_known_and_may_not_is_told_what_is_missing():
    with pytest.raises(PermissionDeniedError, match="posts:write required"):
        refusal(WRITE, BOB, AuthenticationError("of another scheme"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: require_permission("posts:*"),
        lambda: require_role(""),
        lambda: require_scope("a b"),
    ],
)
def test_what_cannot_be_required_refuses_the_start(make):
    with pytest.raises(ConfigurationError):
        make()


def test_an_access_reads_as_what_it_requires():
    assert repr(WRITE) == "<access: permission posts:write>"
    assert authenticated() is authenticated


# As a decorator ---------------------------------------------------------------------------------


async def a_coroutine(x: int, *, y: str = "y"):
    """Its docstring."""
    return x, y


def a_function(x: int, *, y: str = "y"):
    return x, y


async def an_async_generator(x: int, *, y: str = "y"):
    yield x
    yield y


def a_generator(x: int, *, y: str = "y"):
    yield x
    yield y


KINDS = {
    a_coroutine: inspect.iscoroutinefunction,
    a_function: lambda f: not inspect.iscoroutinefunction(f) and not inspect.isgeneratorfunction(f),
    an_async_generator: lambda f: inspect.isasyncgenfunction(inspect.unwrap(f)),
    a_generator: lambda f: inspect.isgeneratorfunction(inspect.unwrap(f)),
}


async def call(function):
    """A generator must refuse here, before it is iterated: later the response has begun."""
    result = function(1, y="z")
    if inspect.isawaitable(result):
        return await result
    if inspect.isasyncgen(result):
        return tuple([item async for item in result])
    return tuple(result)


def test_an_endpoint_may_name_what_is_not_there_yet():
    async def later(x: NotYetThere):  # noqa: F821
        return x

    guarded = WRITE(later)
    assert not hasattr(guarded, "__signature__")
    assert inspect.signature(guarded) == inspect.signature(later)


@pytest.mark.parametrize("function", KINDS, ids=lambda f: f.__name__)
async def test_every_kind_of_endpoint_keeps_its_kind_and_is_guarded(function):
    guarded = WRITE(function)
    assert KINDS[function](guarded)
    assert inspect.signature(guarded) == inspect.signature(function, eval_str=True)
    assert (guarded.__name__, guarded.__doc__) == (function.__name__, function.__doc__)
    assert marks_of(guarded)[-1] is WRITE
    assert enforced_marks(guarded) == (WRITE,)
    for principal, error in ((ANONYMOUS, AuthenticationError), (BOB, PermissionDeniedError)):
        token = current_exchange.set(make_exchange(principal=principal))
        with pytest.raises(error):
            await call(guarded)
        current_exchange.reset(token)
    token = current_exchange.set(make_exchange(principal=ALICE))
    assert await call(guarded) == (1, "z")
    current_exchange.reset(token)
    with pytest.raises(ConfigurationError, match="outside"):
        await call(guarded)


def test_declarations_add_up():
    async def endpoint(): ...

    both = authenticated(WRITE(endpoint))
    assert marks_of(both) == (WRITE, authenticated)
    assert enforced_marks(both) == (WRITE, authenticated)


def test_what_is_attached_too_late_is_visible():
    async def endpoint(): ...

    WRITE(endpoint)
    assert marks_of(endpoint) == (WRITE,)
    assert enforced_marks(endpoint) == ()


async def test_a_partial_and_a_bound_method():
    class Service:
        @WRITE
        async def method(self):
            return "done"

    token = current_exchange.set(make_exchange(principal=ALICE))
    assert await Service().method() == "done"
    assert await WRITE(functools.partial(a_coroutine, 1))() == (1, "y")
    current_exchange.reset(token)
    token = current_exchange.set(make_exchange(principal=BOB))
    with pytest.raises(PermissionDeniedError):
        await Service().method()
    with pytest.raises(PermissionDeniedError):
        await WRITE(functools.partial(a_coroutine, 1))()
    current_exchange.reset(token)


@pytest.mark.parametrize("target", [5, "text", None, object()])
def test_what_cannot_be_called_cannot_be_guarded(target):
    with pytest.raises(ConfigurationError, match="cannot be called"):
        WRITE(target)


def test_a_class_without_dispatch_cannot_be_guarded():
    with pytest.raises(ConfigurationError, match="no dispatch"):
        WRITE(type("Plain", (), {}))


# In applications --------------------------------------------------------------------------------


def fastapi_app():
    app = FastAPI()

    @app.get("/coroutine")
    @WRITE
    async def coroutine(q: int = 1):
        return q

    @app.get("/function")
    @WRITE
    def function(q: int = 1):
        return q

    @app.get("/stream")
    @WRITE
    async def stream():
        async def content():
            yield b"x"

        return StreamingResponse(content())

    @app.get("/generator")
    @WRITE
    async def generator():
        yield {"x": 1}

    @app.get("/sync-generator")
    @WRITE
    def sync_generator():
        yield {"x": 1}

    @app.get("/dependency", dependencies=[Depends(WRITE)])
    async def dependency():
        return 1

    @app.get("/principal")
    async def principal(caller: Principal = Depends(WRITE)):
        return caller.subject

    @app.post("/body")
    @WRITE
    async def body(data: dict):
        return data

    app.mount("/mounted", WRITE(Opaque()))
    app.mount("/starlette", WRITE(Starlette(routes=[Route("/a", star)])))
    return add_sockets(app)


def add_sockets(app):
    @app.websocket("/socket")
    @WRITE
    async def socket(websocket: WebSocket):
        await websocket.accept()
        await websocket.close()

    @app.websocket("/socket/dependency", dependencies=[Depends(WRITE)])
    async def socket_dependency(websocket: WebSocket):
        await websocket.accept()
        await websocket.close()

    return app


class Opaque:
    async def __call__(self, scope, receive, send):
        await hello(scope, receive, send)


async def star(request):
    return PlainTextResponse("star")


PATHS = (
    "/coroutine",
    "/function",
    "/stream",
    "/generator",
    "/sync-generator",
    "/dependency",
    "/principal",
    "/mounted/x",
    "/starlette/a",
)


@pytest.mark.parametrize("path", PATHS)
async def test_declarations_enforce_themselves(path):
    for principal, expected in ((ANONYMOUS, 401), (BOB, 403), (ALICE, 200)):
        assert await status(only_the_pipeline(fastapi_app(), principal), path=path) == expected


@pytest.mark.parametrize("path", ["/socket", "/socket/dependency"])
async def test_on_sockets_too(path):
    for principal, first in ((ANONYMOUS, "close"), (BOB, "close"), (ALICE, "accept")):
        app = only_the_pipeline(fastapi_app(), principal)
        answer = await connect(app, websocket_scope(path))
        assert answer.messages[0]["type"] == f"websocket.{first}"


async def test_a_dependency_gives_the_principal():
    async with client(only_the_pipeline(fastapi_app(), ALICE)) as http:
        assert (await http.get("/principal")).json() == "alice"


async def test_a_dependency_spends_no_thread(monkeypatch):
    async def refuse(*args, **kwargs):
        raise AssertionError("a thread was spent")

    monkeypatch.setattr("fastapi.dependencies.utils.run_in_threadpool", refuse)
    assert await status(only_the_pipeline(fastapi_app(), ALICE), path="/dependency") == 200


async def test_starlette_endpoints():
    @WRITE
    class Endpoint(HTTPEndpoint):
        async def get(self, request):
            return PlainTextResponse("ok")

    routes = [
        Route("/class", Endpoint),
        Route("/function", WRITE(star)),
        Mount("/mount", WRITE(Opaque())),
    ]
    for path in ("/class", "/function", "/mount/"):
        for principal, expected in ((ANONYMOUS, 401), (BOB, 403), (ALICE, 200)):
            app = only_the_pipeline(Starlette(routes=routes), principal)
            assert await status(app, path=path) == expected


async def test_a_bare_application():
    guarded = WRITE(Opaque())
    assert isinstance(guarded, EnforcedApplication)
    assert marks_of(guarded) == enforced_marks(guarded) == (WRITE,)
    assert await status(only_the_pipeline(guarded, ALICE)) == 200
    assert await status(only_the_pipeline(guarded, BOB)) == 403
    with pytest.raises(ConfigurationError, match="outside"):
        await ask(guarded, make_scope())


async def test_what_an_application_declared_before_stays_declared():
    guarded = WRITE(authenticated(Opaque()))
    assert marks_of(guarded) == enforced_marks(guarded) == (authenticated, WRITE)
    assert await status(only_the_pipeline(guarded, ALICE)) == 200
    assert await status(only_the_pipeline(guarded, BOB)) == 403


async def test_the_lifespan_passes_a_guarded_application():
    seen = []

    class Living:
        async def __call__(self, scope, receive, send):
            seen.append(scope["type"])

    await WRITE(Living())({"type": "lifespan"}, None, None)
    assert seen == ["lifespan"]


def test_which_marks_are_declarations():
    assert accesses((Mark(), WRITE, Mark(), public)) == (WRITE, public)


def test_a_dependency_of_ones_own_can_say_what_it_admits():
    async def dependency(): ...

    access = Access(SignedIn())
    assert mark_access(dependency, access) is dependency
    assert marks_of(dependency) == enforced_marks(dependency) == (access,)
