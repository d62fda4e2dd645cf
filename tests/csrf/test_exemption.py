"""Routes out of the protection: by a reason, and nothing beside them."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from tests.csrf.keys import NEW
from tests.pipeline.asgi import SignedInAs, client, connect, websocket_scope
from zenith.csrf import CsrfGuard, csrf_exempt
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.principal import Principal
from zenith.pipeline import SecurityMiddleware

ALICE = Principal(subject="alice", session_id="s-alice", scheme="session")
OURS = "https://bank.example"
FOREIGN = {"origin": "https://evil.example", "cookie": "session=x"}
exempt = csrf_exempt("signed by the payment provider")


def protected(app, *guards):
    return SecurityMiddleware(app, guards=[SignedInAs(ALICE), *guards])


async def status(app, path):
    async with client(app, OURS) as browser:
        return (await browser.post(path, headers=FOREIGN)).status_code


async def test_one_route_is_exempt_and_its_neighbours_are_not():
    app, router = FastAPI(), APIRouter()

    @router.post("/hook")
    @exempt
    async def hook():
        return None

    @router.post("/change")
    async def change():
        return None

    app.include_router(router, prefix="/in")
    inner = Starlette(routes=[Route("/x", _text, methods=["POST"])])
    app.router.routes.append(Mount("/mounted", exempt(inner)))
    guarded = protected(app, CsrfGuard([NEW]))
    assert await status(guarded, "/in/hook") == 200
    assert await status(guarded, "/mounted/x") == 200
    assert await status(guarded, "/in/change") == 403
    assert await status(guarded, "/in/nowhere") == 403
    # What is added later counts from then on.
    app.add_route("/late", exempt(_handler()), methods=["POST"])
    assert await status(guarded, "/late") == 200
    assert await status(guarded, "/in/change") == 403


async def test_a_socket_is_never_exempt():
    app = FastAPI()

    @app.websocket("/socket")
    @exempt
    async def socket(websocket: WebSocket):
        await websocket.accept()

    headers = [("host", "bank.example"), ("origin", "https://evil.example")]
    guarded = protected(app, CsrfGuard([NEW]))
    answer = await connect(guarded, websocket_scope("/socket", headers=headers, scheme="wss"))
    assert answer.messages[0]["type"] == "websocket.close"


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_reason_is_needed(reason):
    with pytest.raises(ConfigurationError, match="without a reason"):
        csrf_exempt(reason)


def _handler():
    async def late(request):
        return PlainTextResponse("")

    return late


async def _text(request):
    return PlainTextResponse("")
