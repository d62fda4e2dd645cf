"""The guard in the pipeline: every kind of answer, every kind of application."""

from __future__ import annotations

import contextlib

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.pipeline.asgi import connect, websocket_scope
from zenith.headers import (
    SELF,
    ContentSecurityPolicy,
    HeadersGuard,
    HeadersSettings,
    SecurityHeadersMiddleware,
    csp,
    response_headers,
)
from zenith.kernel.errors import ConfigurationError, PermissionDeniedError
from zenith.kernel.principal import Principal
from zenith.pipeline import Exchange, Guard, SecurityMiddleware, Stage, exchange_of


def client(app, base="https://example.com"):
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=base)


async def bare(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"Server", b"bare")]})
    await send({"type": "http.response.body", "body": b"ok"})


def fastapi_app():
    app = FastAPI()

    @app.get("/plain")
    async def plain():
        return {"ok": True}

    @app.get("/page")
    async def page(request: Request):
        return HTMLResponse(f'<script nonce="{exchange_of(request.scope).nonce}"></script>')

    @app.get("/fails")
    async def fails():
        raise RuntimeError("secret detail")

    @app.get("/refuses")
    async def refuses():
        raise PermissionDeniedError

    @app.get("/framed")
    @csp(ContentSecurityPolicy(frame_ancestors=(SELF,)), report_only=ContentSecurityPolicy())
    @response_headers(resource_policy="cross-origin")
    async def framed():
        return {"ok": True}

    return app


def assert_protected(response):
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    assert "includeSubDomains" in response.headers["strict-transport-security"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/plain", 200), ("/page", 200), ("/fails", 500), ("/refuses", 403), ("/missing", 404)],
)
async def test_every_answer_of_fastapi(path, status):
    async with client(SecurityHeadersMiddleware(fastapi_app())) as http:
        response = await http.get(path)
    assert response.status_code == status
    assert_protected(response)
    assert "secret detail" not in response.text


async def test_wrong_method():
    async with client(SecurityHeadersMiddleware(fastapi_app())) as http:
        response = await http.post("/plain")
    assert response.status_code == 405
    assert_protected(response)


async def test_bare_asgi_application():
    async with client(SecurityHeadersMiddleware(bare)) as http:
        response = await http.get("/")
    assert_protected(response)
    assert "server" not in response.headers


async def test_added_as_middleware():
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("ok"))])
    app.add_middleware(SecurityHeadersMiddleware, settings=HeadersSettings(hsts_preload=True))
    async with client(app) as http:
        response = await http.get("/")
    assert_protected(response)
    assert "preload" in response.headers["strict-transport-security"]


async def test_nonce_of_the_page_is_in_its_policy_and_nowhere_else():
    async with client(SecurityHeadersMiddleware(fastapi_app())) as http:
        page = await http.get("/page")
        plain = await http.get("/plain")
    nonce = page.text.split('"')[1]
    assert f"script-src 'nonce-{nonce}' 'strict-dynamic'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert "nonce" not in plain.headers["content-security-policy"]
    assert "cache-control" not in plain.headers


async def test_route_marks_add_up():
    app = SecurityHeadersMiddleware(fastapi_app())
    async with client(app) as http:
        for _ in range(2):
            response = await http.get("/framed")
            assert response.headers["x-frame-options"] == "SAMEORIGIN"
            assert response.headers["cross-origin-resource-policy"] == "cross-origin"
            assert "frame-ancestors 'self'" in response.headers["content-security-policy"]
            assert "content-security-policy-report-only" in response.headers
        assert_protected(await http.get("/plain"))


async def test_marks_that_are_not_ours_are_left_alone():
    exchange = Exchange({"type": "http", "headers": [], "path": "/"}, None)
    exchange.marks = (object(),)
    HeadersGuard().on_response(exchange)
    assert (b"x-frame-options", b"DENY") in exchange.response_headers


async def test_bad_mark_is_refused_where_it_is_written():
    with pytest.raises(ConfigurationError, match="referrer_policy"):
        response_headers(referrer_policy="sometimes")


@pytest.mark.parametrize(("https_origin", "sent"), [(False, False), (True, True)])
async def test_hsts_behind_a_proxy_that_speaks_http(https_origin, sent):
    app = SecurityHeadersMiddleware(bare, https_origin=https_origin)
    async with client(app, base="http://example.com") as http:
        response = await http.get("/")
    assert ("strict-transport-security" in response.headers) is sent
    csp_text = response.headers["content-security-policy"]
    assert ("upgrade-insecure-requests" in csp_text) is sent


async def test_answers_to_a_known_caller_are_not_stored():
    class Knows(Guard):
        stage = Stage.AUTHENTICATION

        async def on_request(self, exchange):
            exchange.principal = Principal(subject="1")

    app = SecurityMiddleware(bare, guards=[HeadersGuard(), Knows()])
    async with client(app) as http:
        response = await http.get("/")
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("scheme", "sent", "left"),
    [
        (
            "wss",
            [(b"Set-Cookie", b"s=1; HttpOnly")],
            [(b"Set-Cookie", b"s=1; httponly; Secure; SameSite=Lax")],
        ),
        ("ws", [(b"x-a", b"1"), (b"set-cookie", b"s=1; HttpOnly; SameSite=Lax")], None),
        ("wss", [], None),
    ],
)
async def test_cookies_set_with_a_websocket_are_cookies(scheme, sent, left):
    async def app(scope, receive, send):
        await send({"type": "websocket.accept", "headers": tuple(sent)})
        await send({"type": "websocket.close", "code": 1000})

    secured = SecurityMiddleware(app, guards=[HeadersGuard(), Silent()])
    answer = await connect(secured, websocket_scope(scheme=scheme))
    assert list(answer.messages[0]["headers"]) == (sent if left is None else left)


class Silent(Guard):
    """Edits responses, and knows nothing of sockets."""

    stage = Stage.SESSION

    def on_response(self, exchange):
        exchange.response_headers.append((b"x-silent", b"1"))


async def test_refused_websocket_handshake_answer_is_protected():
    sent = []

    async def app(scope, receive, send):
        await send({"type": "websocket.http.response.start", "status": 403, "headers": []})

    async def send(message):
        sent.append(message)

    scope = {"type": "websocket", "headers": [], "path": "/", "scheme": "wss"}
    with contextlib.suppress(ConnectionError):
        await SecurityHeadersMiddleware(app)(scope, None, send)
    assert (b"x-content-type-options", b"nosniff") in sent[0]["headers"]
