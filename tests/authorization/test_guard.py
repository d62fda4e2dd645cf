from __future__ import annotations

import logging

import pytest
from fastapi import Depends, FastAPI

from tests.authorization.people import ALICE, BOB, protect, status
from tests.pipeline.asgi import Answer, make_exchange
from zenith.authorization import (
    Access,
    AuthorizationGuard,
    ChecksObjects,
    Masked,
    authenticated,
    public,
    require_permission,
)
from zenith.kernel.errors import AuthenticationError, ConfigurationError
from zenith.kernel.principal import ANONYMOUS
from zenith.pipeline import Mark, Stage, add_mark

WRITE = require_permission("posts:write")


def application():
    app = FastAPI(openapi_url=None)
    app.read = []

    @app.post("/declared")
    @WRITE
    async def declared(data: dict):
        app.read.append(data)

    @app.post("/by-dependency", dependencies=[Depends(WRITE)])
    async def by_dependency(data: dict):
        app.read.append(data)

    @app.get("/open")
    @public
    async def is_open():
        return "open"

    return app


def test_it_stands_last_and_enforces_declarations():
    assert AuthorizationGuard.stage is max(Stage)
    assert AuthorizationGuard.consumes == (Access, Masked, ChecksObjects)


@pytest.mark.parametrize("path", ["/declared", "/by-dependency"])
async def test_who_may_not_is_refused_before_the_body_is_read(path):
    for principal, expected in ((ANONYMOUS, 401), (BOB, 403)):
        exchange = make_exchange("POST", path, principal=principal)

        async def receive():
            raise AssertionError("the body was read")

        answer = Answer()
        await protect(application(), principal)(exchange.scope, receive, answer.send)
        assert answer.status == expected


async def test_who_may_goes_on():
    headers = [("content-type", "application/json")]
    app = application()
    assert await status(protect(app, ALICE), "POST", "/declared", headers=headers) == 200
    assert app.read == [{}]
    assert await status(protect(app, ANONYMOUS), path="/open") == 200


async def test_access_of_routes_that_cannot_be_decorated():
    app = FastAPI(openapi_url="/openapi.json")
    declared = {"/openapi.json": authenticated, "/docs": WRITE}
    for path, principal, expected in (
        ("/openapi.json", ANONYMOUS, 401),
        ("/openapi.json", BOB, 200),
        ("/docs", BOB, 403),
        ("/docs", ALICE, 200),
        ("/missing", ANONYMOUS, 404),
    ):
        protected = protect(app, principal, declared=declared)
        assert await status(protected, path=path) == expected


async def test_marks_of_other_guards_are_not_its_concern():
    exchange = make_exchange()
    exchange.marks = (Mark(), public)
    AuthorizationGuard().on_request(exchange)
    exchange.marks = (Mark(), authenticated)
    with pytest.raises(AuthenticationError):
        AuthorizationGuard().on_request(exchange)


async def test_an_undeclared_route_refuses_the_start_by_default():
    app = FastAPI(openapi_url=None)

    @app.get("/forgotten")
    async def forgotten(): ...

    protected = protect(app, refuse_undeclared=True)
    with pytest.raises(ConfigurationError, match="/forgotten"):
        protected.prepare()


async def test_in_development_it_is_warned_of(caplog):
    app = FastAPI(openapi_url=None)

    @app.get("/forgotten")
    async def forgotten(): ...

    with caplog.at_level(logging.WARNING, logger="zenith"):
        protect(app).prepare()
    assert "/forgotten" in caplog.text
    assert "In production" in caplog.text


def test_a_mark_that_nobody_enforces_refuses_the_start():
    class Limit(Mark):
        pass

    app = FastAPI(openapi_url=None)
    app.get("/a")(public(add_mark(lambda: 1, Limit())))
    with pytest.raises(ConfigurationError, match="Limit has no guard"):
        protect(app).prepare()
