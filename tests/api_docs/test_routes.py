"""The routes: who may see them, what they serve, and nothing beside it."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from zenith.api_docs import docs_routes
from zenith.authorization import authenticated, public
from zenith.headers import HeadersGuard, response_headers
from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import SecurityMiddleware


def application(access=public, **options):
    app = FastAPI(docs_url=None, redoc_url=None)
    app.router.routes.extend(docs_routes(title="Books", access=access, **options))
    return app


def client(app, root_path=""):
    transport = httpx.ASGITransport(app=app, root_path=root_path)
    return httpx.AsyncClient(transport=transport, base_url="https://example.com")


async def test_page_carries_the_nonce_of_its_policy():
    async with client(SecurityMiddleware(application(), guards=[HeadersGuard()])) as http:
        response = await http.get("/docs")
    nonce = response.text.split('<script nonce="')[1].split('"')[0]
    assert f"script-src 'nonce-{nonce}'" in response.headers["content-security-policy"]
    assert "<title>Books - API documentation</title>" in response.text
    assert response.headers["cache-control"] == "no-store"


async def test_redirect_page_and_own_address_for_it():
    app = application(redirect_url="/signed-in")
    async with client(SecurityMiddleware(app, guards=[])) as http:
        page = await http.get("/docs")
        redirect = await http.get("/signed-in")
        default = await http.get("/docs/oauth2-redirect")
    assert 'data-redirect="/signed-in"' in page.text
    assert "oauth2-redirect.js" in redirect.text
    assert default.status_code == 404


async def test_without_a_pipeline_there_is_no_nonce():
    async with client(application(access=lambda endpoint: endpoint)) as http:
        response = await http.get("/docs")
    assert response.status_code == 200
    assert "nonce" not in response.text


async def test_behind_a_prefix():
    app = application(access=lambda endpoint: endpoint)
    async with client(app, root_path="/api") as http:
        response = await http.get("/api/docs")
    assert 'src="/api/docs/assets/docs.js"' in response.text
    assert "/api/openapi.json" in response.text
    assert 'data-redirect="/api/docs/oauth2-redirect"' in response.text


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("docs.js", "text/javascript"),
        ("oauth2-redirect.js", "text/javascript"),
        ("swagger-ui-bundle.js", "text/javascript"),
        ("swagger-ui.css", "text/css"),
    ],
)
async def test_files(name, kind):
    async with client(SecurityMiddleware(application(), guards=[HeadersGuard()])) as http:
        response = await http.get(f"/docs/assets/{name}")
        again = await http.get(
            f"/docs/assets/{name}", headers={"If-None-Match": response.headers["etag"]}
        )
    assert response.status_code == 200
    assert response.headers["content-type"].startswith(kind)
    assert response.headers["cache-control"] == "no-cache"
    assert response.content
    assert again.status_code == 304


@pytest.mark.parametrize(
    "name", ["README.md", "../page.py", "..%2Fpage.py", "%2e%2e/page.py", ".", "", "docs.js%00"]
)
async def test_nothing_else_is_served(name):
    async with client(SecurityMiddleware(application(), guards=[])) as http:
        response = await http.get(f"/docs/assets/{name}")
    assert response.status_code == 404


@pytest.mark.parametrize("path", ["/docs", "/docs/oauth2-redirect", "/docs/assets/docs.js"])
async def test_access_holds_for_all_of_it(path):
    async with client(SecurityMiddleware(application(authenticated), guards=[])) as http:
        response = await http.get(path)
    assert response.status_code == 401


async def test_pages_take_marks():
    app = application(
        page_headers=response_headers(opener_policy="same-origin-allow-popups"),
        redirect_headers=response_headers(opener_policy="unsafe-none"),
    )
    async with client(SecurityMiddleware(app, guards=[HeadersGuard()])) as http:
        answers = [await http.get(p) for p in ("/docs", "/docs/oauth2-redirect", "/docs/assets/x")]
    assert [answer.headers["cross-origin-opener-policy"] for answer in answers] == [
        "same-origin-allow-popups",
        "unsafe-none",
        "same-origin",
    ]


def test_unsafe_options_refuse_the_start():
    with pytest.raises(ConfigurationError, match="attacker"):
        application(options={"queryConfigEnabled": True})
