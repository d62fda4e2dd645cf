from __future__ import annotations

import pytest
from fastapi import APIRouter, Depends, FastAPI

from tests.authorization.people import ALICE, BOB, only_the_pipeline
from tests.pipeline.asgi import Answer, make_scope
from zenith.authorization import SecuredRoute, require_permission
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.principal import ANONYMOUS

WRITE = require_permission("posts:write")


def application():
    app, router = FastAPI(), APIRouter(route_class=SecuredRoute)

    @router.post("/marked")
    @WRITE
    async def marked(data: dict):
        return data

    @router.post("/by-dependency", dependencies=[Depends(WRITE)])
    async def by_dependency(data: dict):
        return data

    @router.post("/other", dependencies=[Depends(lambda: None)])
    async def other(data: dict):
        return data

    app.include_router(router)
    return app


async def post(path, principal, *, protected=True):
    reads = 0

    async def receive():
        nonlocal reads
        reads += 1
        return {"type": "http.request", "body": b'{"a": 1}', "more_body": False}

    answer = Answer()
    app = only_the_pipeline(application(), principal) if protected else application()
    scope = make_scope("POST", path, headers=[("content-type", "application/json")])
    await app(scope, receive, answer.send)
    return answer.status, reads


@pytest.mark.parametrize("path", ["/marked", "/by-dependency"])
async def test_who_may_not_is_refused_before_fastapi_reads_the_body(path):
    assert await post(path, ANONYMOUS) == (401, 0)
    assert await post(path, BOB) == (403, 0)
    assert await post(path, ALICE) == (200, 1)


async def test_a_route_without_declaration_is_served():
    assert await post("/other", ANONYMOUS) == (200, 1)


async def test_outside_the_pipeline_nobody_may():
    with pytest.raises(ConfigurationError, match="outside"):
        await post("/marked", ALICE, protected=False)
