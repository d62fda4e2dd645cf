"""The ready server with a page that wants a recent password, and a way to make a password old."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from zenith.authorization import authenticated, require_factor
from zenith.console import create_server
from zenith.pipeline import exchange_of
from zenith.sessions import SessionSettings, renewed_cookie, session_of

app = create_server()


@app.get("/vault")
@require_factor("password")
async def vault(request: Request) -> Response:
    return HTMLResponse("<!doctype html><title>Vault</title><h1>Gold</h1>")


@app.get("/age")
@authenticated
async def age(request: Request) -> Response:
    """As if the sign-in had been long ago."""
    exchange = exchange_of(request.scope)
    session = session_of(exchange)
    renewed = await app.accounts.sessions.rotate(session, factors={"password": 1.0})
    response = HTMLResponse("<!doctype html><title>Old</title>")
    cookie = renewed_cookie(renewed, exchange.service(SessionSettings))
    response.headers.append("set-cookie", cookie)
    return response
