from __future__ import annotations

import contextlib

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette

from tests.pipeline.asgi import Answer, ask, hello, make_scope
from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import Guard, SecurityMiddleware, Stage

SCOPE = {"type": "lifespan", "asgi": {"version": "3.0"}}


class Recorder(Guard):
    def __init__(self, log, name="guard", stage=Stage.AUDIT, fails=None):
        self.stage, self.log, self.name, self.fails = stage, log, name, fails

    async def startup(self):
        if self.fails is not None:
            raise self.fails
        self.log.append(f"{self.name} starts")

    async def shutdown(self):
        self.log.append(f"{self.name} stops")


async def live(app):
    answer = Answer()
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive():
        return messages.pop(0)

    try:
        await app(dict(SCOPE), receive, answer.send)
    finally:
        answer.types = [message["type"].removeprefix("lifespan.") for message in answer.messages]
    return answer


def application(log, kind=FastAPI):
    @contextlib.asynccontextmanager
    async def lifespan(app):
        log.append("application starts")
        yield
        log.append("application stops")

    return kind(lifespan=lifespan)


@pytest.mark.parametrize("kind", [FastAPI, Starlette])
async def test_guards_start_first_and_stop_last(kind):
    log = []
    inner, outer = Recorder(log, "inner", Stage.CSRF), Recorder(log, "outer", Stage.AUDIT)
    answer = await live(SecurityMiddleware(application(log, kind), guards=[inner, outer]))
    assert answer.types == ["startup.complete", "shutdown.complete"]
    assert log == [
        "outer starts",
        "inner starts",
        "application starts",
        "application stops",
        "inner stops",
        "outer stops",
    ]


async def deaf(scope, receive, send):
    raise RuntimeError("no lifespan here")


async def deaf_after_listening(scope, receive, send):
    await receive()
    raise RuntimeError("no lifespan here")


@pytest.mark.parametrize("app", [deaf, deaf_after_listening])
async def test_an_application_without_lifespan_gets_its_guards(app):
    log = []
    answer = await live(SecurityMiddleware(app, guards=[Recorder(log)]))
    assert answer.types == ["startup.complete", "shutdown.complete"]
    assert log == ["guard starts", "guard stops"]


async def failed_start(app):
    """The messages that the server sees, whatever else escapes."""
    answer = Answer()
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive():
        return messages.pop(0)

    with contextlib.suppress(Exception):
        await app(dict(SCOPE), receive, answer.send)
    return answer.messages


@pytest.mark.parametrize("app", [FastAPI(), Starlette(), deaf, deaf_after_listening])
async def test_the_server_is_told_the_fix_and_no_traceback(app):
    def check(table, guards):
        raise ConfigurationError("route without access", fix="declare it")

    log = []
    messages = await failed_start(SecurityMiddleware(app, guards=[Recorder(log)], checks=[check]))
    assert messages == [
        {
            "type": "lifespan.startup.failed",
            "message": "route without access\n  fix: declare it",
        }
    ]
    assert log == ["guard starts", "guard stops"]


@pytest.mark.parametrize("app", [FastAPI(), Starlette(), deaf, deaf_after_listening])
async def test_a_guard_that_cannot_start_stops_those_that_did(app):
    log = []
    guards = [
        Recorder(log, "first"),
        Recorder(
            log, "second", Stage.CSRF, fails=ConfigurationError("no database", fix="start it")
        ),
        Recorder(log, "third", Stage.AUTHORIZATION),
    ]
    messages = await failed_start(SecurityMiddleware(app, guards=guards))
    assert [message["type"] for message in messages] == ["lifespan.startup.failed"]
    assert "start it" in messages[0]["message"]
    assert log == ["first starts", "first stops"]


async def test_a_shutdown_that_fails_stops_the_guards_too():
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.failed", "message": "stuck"})

    log = []
    answer = await live(SecurityMiddleware(app, guards=[Recorder(log)]))
    assert answer.types == ["startup.complete", "shutdown.failed"]
    assert log == ["guard starts", "guard stops"]


async def test_what_is_no_event_of_the_lifespan_is_passed_on():
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await send({"type": "extension"})
        await receive()

    log = []
    answer = await live(SecurityMiddleware(app, guards=[Recorder(log)]))
    assert answer.types == ["startup.complete", "extension"]
    assert log == ["guard starts"]


async def test_an_application_that_cannot_start_says_so_itself():
    log = []

    @contextlib.asynccontextmanager
    async def lifespan(app):
        raise ValueError("broken: postgresql://app:hunter2@database/app, password=hunter2")
        yield

    messages = await failed_start(
        SecurityMiddleware(Starlette(lifespan=lifespan), guards=[Recorder(log)])
    )
    assert [message["type"] for message in messages] == ["lifespan.startup.failed"]
    assert "broken" in messages[0]["message"]
    assert "hunter2" not in messages[0]["message"]
    assert "\n" in messages[0]["message"]
    assert log == ["guard starts", "guard stops"]


async def test_without_lifespan_events_the_first_request_starts_the_guards():
    log = []
    app = SecurityMiddleware(hello, guards=[Recorder(log)])
    for _ in range(2):
        assert (await ask(app, make_scope())).status == 200
    assert log == ["guard starts"]
    await app.stop()
    await app.stop()
    assert log == ["guard starts", "guard stops"]
