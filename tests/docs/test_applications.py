"""What the pages say of whole applications happens: moved, tested, with pages to sign in."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.docs.pages import ROOT, Page
from tests.docs.test_pages import run
from zenith import Request, Zenith, public
from zenith.accounts import Client
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.testing import running

ORIGIN = "http://localhost:8000"
ADA = {"email": "ada@example.org", "password": "violet tractor pond ninety"}
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@asynccontextmanager
async def served(app: Zenith) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    client = httpx.AsyncClient(transport=transport, base_url=ORIGIN)
    async with running(app), client:
        yield client


@pytest.fixture
def page(monkeypatch, tmp_path) -> Callable[[str], dict[str, Any]]:
    """Runs a page's code in a folder of its own."""
    monkeypatch.setenv("ZENITH_PASSWORDS__PROFILE", "testing")
    monkeypatch.setenv("ZENITH_ACCOUNTS__REGISTER_SECONDS", "0")
    monkeypatch.chdir(tmp_path)
    return lambda name: run(Page(ROOT / "docs" / "how-to" / name), monkeypatch)


async def test_the_ready_pages_lead_a_browser_back(page):
    app = page("sign-in-pages.md")["app"]
    async with served(app) as client:
        led = await client.get("/dashboard", headers={"accept": "text/html"})
        assert led.status_code == 303
        assert led.headers["location"] == "/account/sign-in?next=/dashboard"
        assert (await client.get("/dashboard")).status_code == 401


async def test_a_page_of_ones_own_signs_in_and_out(page):
    app = page("sign-in-pages.md")["own"]
    async with served(app) as client:
        client.headers.update({"accept": "text/html", "origin": ORIGIN})
        await app.accounts.registration.register(**ADA, client=Client(address="127.0.0.1"))
        led = await client.get("/home")
        assert led.headers["location"] == "/sign-in?next=/home"
        shown = await client.get("/sign-in")
        form = {"csrf_token": TOKEN.search(shown.text)[1], **ADA}
        wrong = await client.post("/sign-in", data={**form, "password": "another one"})
        assert wrong.status_code == 401
        assert "E-mail or password is wrong" in wrong.text
        assert (await client.post("/sign-in", data=ADA)).status_code == 403
        entered = await client.post("/sign-in", data=form)
        assert entered.headers["location"] == "/home"
        assert (await client.get("/home")).json() == {"for": ADA["email"]}
        kept = dict(client.cookies)
        token = TOKEN.search((await client.get("/sign-in")).text)[1]
        left = await client.post("/sign-out", data={"csrf_token": token})
        assert left.headers["location"] == "/sign-in"
        client.cookies.update(kept)
        assert (await client.get("/home")).status_code == 303


async def test_an_application_moves_by_one_line(page):
    app = page("move-an-application.md")["app"]
    async with served(app) as client:
        assert (await client.get("/shop/prices")).json() == {"apple": 2}
        assert (await client.get("/shop/orders")).status_code == 401
        assert (await client.get("/office/stock")).status_code == 401
        assert (await client.post("/auth/register", json=ADA)).status_code == 201
        tokens = (await client.post("/auth/login", json=ADA)).json()
        client.headers["authorization"] = f"Bearer {tokens['access_token']}"
        assert (await client.get("/shop/orders")).json() == []
        assert (await client.get("/office/stock")).status_code == 403


async def test_the_tests_of_the_page_pass(page, tmp_path):
    """They are run as somebody runs them who has copied them."""
    names = page("test-your-application.md")
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) == 2
    for number, test in enumerate(tests):
        folder = tmp_path / str(number)
        folder.mkdir()
        await test(folder)
    loose = names["for_tests"](tmp_path)
    with pytest.raises(ConfigurationError):
        Zenith(
            settings=replace(
                loose,
                env="production",
                origin="https://app.example.org",
                secret_key=Secret(secrets.token_urlsafe(48)),
            )
        )


async def test_what_nginx_writes_is_believed_of_nginx_alone(tmp_path, monkeypatch):
    source = Page(ROOT / "docs" / "how-to" / "behind-a-proxy.md").text
    for header in ("Host $http_host", "X-Forwarded-For $remote_addr", "X-Forwarded-Proto $scheme"):
        assert f"proxy_set_header {header};" in source
    for name, value in re.findall(r"^export (ZENITH_\w+)=(\S+)$", source, re.MULTILINE):
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    app = Zenith()

    @app.get("/me")
    @public
    async def me(request: Request) -> dict[str, str]:
        assert request.client is not None
        return {"address": request.client.host, "scheme": request.url.scheme}

    written = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
    async with running(app):
        for address, expected in (
            ("127.0.0.1", {"address": "203.0.113.9", "scheme": "https"}),
            ("198.51.100.7", {"address": "198.51.100.7", "scheme": "http"}),
        ):
            transport = httpx.ASGITransport(app=app, client=(address, 50_000))
            origin = "http://app.example.com"
            async with httpx.AsyncClient(transport=transport, base_url=origin) as client:
                assert (await client.get("/me", headers=written)).json() == expected
