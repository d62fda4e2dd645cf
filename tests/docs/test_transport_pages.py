"""What the pages about proxies, networks, other origins and versions say happens, happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.docs.pages import ROOT, Page
from tests.docs.test_pages import run
from zenith import Zenith

HOW_TO = ROOT / "docs" / "how-to"


@asynccontextmanager
async def served(app: Zenith, address: str = "127.0.0.1") -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, client=(address, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as http:
        yield http
    await app.middleware_stack.stop()


@pytest.fixture
def page(monkeypatch, tmp_path):
    monkeypatch.setenv("ZENITH_PASSWORDS__PROFILE", "testing")
    monkeypatch.setenv("ZENITH_ACCOUNTS__REGISTER_SECONDS", "0")
    monkeypatch.chdir(tmp_path)

    def names(name: str) -> dict[str, Any]:
        return run(Page(HOW_TO / name), monkeypatch)

    return names


async def test_pages_of_other_origins(page):
    async with served(page("let-other-origins-call.md")["app"]) as http:
        for path, origin, allowed in (
            ("/orders", "https://a.b.partner.example", "https://a.b.partner.example"),
            ("/orders", "https://partner.example", None),
            ("/prices", "https://evil.example", "*"),
            ("/internal", "https://app.example.com", None),
            ("/missing", "http://localhost:3000", "http://localhost:3000"),
        ):
            answer = await http.get(path, headers={"origin": origin})
            assert answer.headers.get("access-control-allow-origin") == allowed, path
        asked = {"origin": "https://app.example.com", "access-control-request-method": "DELETE"}
        assert (await http.options("/orders", headers=asked)).status_code == 204
        asked["origin"] = "https://evil.example"
        assert (await http.options("/orders", headers=asked)).json()["code"] == "origin_refused"
        token = (await http.get("/token", headers={"origin": "https://app.example.com"})).json()
        assert token["token"]


@pytest.fixture
def lists(page):
    return page("let-networks-in.md")["app"]


@pytest.mark.parametrize(
    ("address", "statuses"),
    [("10.1.2.3", (200, 403)), ("198.51.100.7", (403, 401)), ("192.0.2.1", (403, 403))],
)
async def test_networks(lists, address, statuses):
    async with served(lists, address) as http:
        seen = [(await http.get(path)).status_code for path in ("/metrics", "/office/")]
    assert tuple(seen) == statuses


async def test_proxies(page):
    app = page("behind-a-proxy.md")["app"]
    chain = {"x-forwarded-for": "1.1.1.1, 203.0.113.5, 10.0.0.7", "x-forwarded-proto": "https"}
    async with served(app, "10.0.0.9") as http:
        assert (await http.get("/me", headers=chain)).json() == {
            "address": "203.0.113.5",
            "scheme": "https",
        }
        hidden = {"x-forwarded-for": "1.1.1.1, _hidden, 10.0.0.7"}
        assert (await http.get("/me", headers=hidden)).json()["address"] == "10.0.0.7"
    async with served(app, "198.51.100.7") as http:
        assert (await http.get("/me", headers=chain)).json()["address"] == "198.51.100.7"


async def test_versions(page):
    async with served(page("version-an-api.md")["app"]) as http:
        latest = await http.get("/api/users")
        assert (latest.json(), latest.headers["api-version"]) == ([{"name": "ada"}], "2")
        first = await http.get("/api/users", headers={"api-version": "1"})
        assert first.json() == ["ada"]
        assert {"deprecation", "sunset", "link"} <= first.headers.keys()
        unknown = await http.get("/api/users", headers={"api-version": "3"})
        assert (unknown.status_code, unknown.json()["versions"]) == (400, ["1", "2"])
        assert (await http.get("/api/v3/users")).json()["code"] == "unknown_version"
        assert "deprecation" in (await http.get("/api/people")).headers
        described = (await http.get("/api/v2/openapi.json")).json()
        assert list(described["paths"]) == ["/api/v2/users", "/api/v2/people"]
        assert described["info"]["version"] == "2"
