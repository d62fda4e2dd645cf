"""Marks that enforce themselves, put on what frameworks call."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.endpoints import HTTPEndpoint
from starlette.responses import PlainTextResponse
from starlette.routing import Route, Router

from tests.pipeline.asgi import ask, make_exchange, make_scope
from zenith.authorization import authenticated, masked, public
from zenith.pipeline import SecurityMiddleware, current_exchange, marks_of
from zenith.pipeline.marks import enforced_marks
from zenith.transport import allow_networks

elsewhere = allow_networks("192.0.2.0/24")


class Notes:
    """Endpoints that are methods."""

    async def read(self) -> str:
        return "a note"

    def write(self) -> str:
        return "written"


class HidesNothing:
    """A masking policy."""

    def mask(self, principal, action, resource, context):
        return frozenset()


@pytest.mark.parametrize("name", ["read", "write"])
@pytest.mark.parametrize(("mark", "status"), [(authenticated, 401), (elsewhere, 403)])
async def test_a_bound_method_is_an_endpoint_like_others(name, mark, status):
    notes = Notes()
    app = FastAPI()
    app.get("/")(mark(getattr(notes, name)))
    app.get("/open")(public(getattr(notes, name)))
    secured = SecurityMiddleware(app, guards=[])
    assert (await ask(secured, make_scope(client="10.0.0.1"))).status == status
    assert (await ask(secured, make_scope(path="/open", client="10.0.0.1"))).status == 200
    assert marks_of(Notes.read) == marks_of(Notes.write) == ()


def test_a_bound_method_is_masked_like_others():
    mark = masked(HidesNothing())
    endpoint = mark(Notes().read)
    assert marks_of(endpoint) == enforced_marks(endpoint) == (mark,)


async def test_what_classes_inherit_stays_as_it_is():
    @elsewhere
    @authenticated
    class Kept(HTTPEndpoint):
        async def get(self, request):
            return PlainTextResponse("kept")

    class Open(HTTPEndpoint):
        async def get(self, request):
            return PlainTextResponse("open")

    assert marks_of(Kept) == enforced_marks(Kept) == (authenticated, elsewhere)
    assert marks_of(HTTPEndpoint.dispatch) == marks_of(Open) == ()
    app = SecurityMiddleware(Router([Route("/kept", Kept), Route("/open", Open)]), guards=[])
    for method in ("GET", "HEAD", "OPTIONS", "POST"):
        for client, status in (("10.0.0.1", 403), ("192.0.2.1", 401)):
            answer = await ask(app, make_scope(method, "/kept", client=client))
            assert answer.status == status
    assert (await ask(app, make_scope(path="/open", client="10.0.0.1"))).status == 200


async def test_a_stream_that_is_left_ends_what_it_reads_from():
    steps = []

    @allow_networks("10.0.0.0/8")
    async def lines():
        try:
            yield "one"
            yield "two"
        finally:
            steps.append("closed")

    token = current_exchange.set(make_exchange(client="10.0.0.1"))
    try:
        stream = lines()
        assert await anext(stream) == "one"
        await stream.aclose()
        assert steps == ["closed"]
    finally:
        current_exchange.reset(token)
