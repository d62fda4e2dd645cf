"""What the how-to pages say happens, happens."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.docs.pages import ROOT, Page
from tests.docs.test_pages import run
from zenith import Settings, Zenith, public, rate_limit
from zenith.authorization.access import accesses
from zenith.kernel.clock import wall_clock
from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import marks_of

HOW_TO = ROOT / "docs" / "how-to"
ORIGIN = "http://localhost:8000"
TEMPLATES = ("feedback.html", "htmx.html")
"""The pages of HTML that a how-to shows, in their order."""
ADA = {"email": "ada@example.org", "password": "violet tractor pond ninety"}


@asynccontextmanager
async def served(app: Zenith) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client
    await app.middleware_stack.stop()


@pytest.fixture
def page(monkeypatch, tmp_path) -> Callable[..., dict[str, Any]]:
    """Runs a page's code, in a folder of its own; leaves out blocks that start a loop."""
    monkeypatch.setenv("ZENITH_PASSWORDS__PROFILE", "testing")
    monkeypatch.setenv("ZENITH_ACCOUNTS__REGISTER_SECONDS", "0")
    monkeypatch.chdir(tmp_path)

    def names(name: str) -> dict[str, Any]:
        source = Page(HOW_TO / name)
        (tmp_path / "templates").mkdir()
        for block, template in zip(source.blocks("html"), TEMPLATES, strict=False):
            (tmp_path / "templates" / template).write_text(block.text)
        return run(source, monkeypatch)

    return names


@pytest.fixture
def forms(page):
    return page("protect-forms.md")["app"]


@pytest.fixture
def limits(page):
    return page("limit-rates.md")["app"]


async def test_a_form_is_sent_with_its_token(forms):
    async with served(forms) as client:
        shown = await client.get("/feedback")
        token = re.search(r'name="csrf_token" value="([^"]+)"', shown.text)[1]
        fields = {"csrf_token": token, "text": "hello"}
        sent = await client.post("/feedback", data=fields, headers={"Origin": ORIGIN})
        upload = await client.post("/feedback", data=fields, files={"file": b"x"})
        without = await client.post("/feedback", data={"text": "hello"})
        foreign = await client.post(
            "/feedback", data=fields, headers={"Origin": "https://evil.example"}
        )
    assert sent.json() == upload.json() == {"characters": 5}
    assert without.status_code == foreign.status_code == 403
    assert without.json()["code"] == "csrf_failed"
    assert shown.headers["cache-control"] == "no-store"
    nonce = re.search(r'<script nonce="([^"]+)"', shown.text)[1]
    assert f"'nonce-{nonce}'" in shown.headers["content-security-policy"]


async def test_a_script_sends_the_header(forms):
    browser = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
    async with served(forms) as client:
        refused = await client.post("/feedback", data={"text": "x"}, headers=browser)
        token = (await client.get("/csrf-token")).json()["csrf_token"]
        headers = {**browser, "X-CSRF-Token": token}
        sent = await client.post("/feedback", data={"text": "x"}, headers=headers)
    assert refused.json()["code"] == "csrf_failed"
    assert sent.json() == {"characters": 1}


async def test_json_of_the_own_origin_signs_in_without_a_token(forms):
    own, foreign = {"Origin": ORIGIN}, {"Origin": "https://evil.example"}
    async with served(forms) as client:
        await client.post("/auth/register", json=ADA, headers=own)
        signed_in = await client.post("/auth/login", json=ADA, headers=own)
        refused = await client.post("/auth/login", json=ADA, headers=foreign)
    assert signed_in.status_code == 200
    assert refused.json()["code"] == "csrf_failed"


@pytest.mark.parametrize("sign", ["Origin", "Referer", "Sec-Fetch-Site", "Cookie"])
async def test_who_needs_a_token(forms, sign):
    values = {"Origin": ORIGIN, "Referer": ORIGIN + "/", "Sec-Fetch-Site": "none", "Cookie": "a=b"}
    async with served(forms) as client:
        program = await client.post("/feedback", data={"text": "x"})
        await client.post("/auth/register", json=ADA)
        pair = (await client.post("/auth/login", json=ADA)).json()
        sign_of_browser = {sign: values[sign]}
        browser = await client.post("/feedback", data={"text": "x"}, headers=sign_of_browser)
        bearer = {**sign_of_browser, "Authorization": f"Bearer {pair['access_token']}"}
        signed_in = await client.post("/feedback", data={"text": "x"}, headers=bearer)
    assert (program.status_code, browser.status_code, signed_in.status_code) == (200, 403, 200)


async def test_always_asks_programs_too(forms, monkeypatch):
    settings = Settings.from_env({"ZENITH_CSRF__ALWAYS": "true"}, dotenv=None)
    app = Zenith(settings=settings)
    app.add_auth()
    async with served(app) as client:
        assert (await client.post("/auth/login", json=ADA)).status_code == 403


async def test_limits_of_a_route(limits):
    async with served(limits) as client:
        answers = [await client.get("/search", params={"query": "x"}) for _ in range(11)]
        status = await client.get("/t/acme/status")
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert answers[0].headers["x-ratelimit-limit"] == "10"
    assert answers[0].headers["ratelimit-policy"].count("w=") == 3
    assert answers[-1].json()["code"] == "rate_limited"
    assert int(answers[-1].headers["retry-after"]) > 0
    assert status.headers["x-ratelimit-limit"] == "600"
    assert status.headers["ratelimit-policy"].count("w=") == 1


PRODUCTION = {
    "ZENITH_ENV": "production",
    "ZENITH_SECRET_KEY": secrets.token_urlsafe(48),
    "ZENITH_ORIGIN": "https://app.example.org",
}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ZENITH_SECRET_KEY", "your-secret-key-change-in-production"),
        ("ZENITH_SECRET_KEY", ""),
        ("ZENITH_ORIGIN", "http://app.example.org"),
        ("ZENITH_WORKERS", "2"),
    ],
)
def test_production_refuses_what_the_page_lists(variable, value):
    with pytest.raises(ConfigurationError, match=variable) as refused:
        Settings.from_env({**PRODUCTION, variable: value}, dotenv=None)
    assert refused.value.fix


def test_the_origins_host_is_served_unless_hosts_are_listed(page):
    own = Zenith(settings=Settings.from_env(PRODUCTION, dotenv=None))
    named = {**PRODUCTION, "ZENITH_TRANSPORT__ALLOWED_HOSTS": "api.example.org"}
    listed = Zenith(settings=Settings.from_env(named, dotenv=None))
    assert own.assembly.settings.transport.allowed_hosts == ("app.example.org",)
    assert listed.assembly.settings.transport.allowed_hosts == ("api.example.org",)


def test_the_report_names_what_is_off(page):
    app = Zenith(settings=Settings.from_env({**PRODUCTION, "ZENITH_CSRF": "off"}, dotenv=None))
    mail = {"ZENITH_MAIL__HOST": "smtp.example.org", "ZENITH_MAIL__SENDER": "zenith@example.org"}
    clean = Zenith(settings=Settings.from_env({**PRODUCTION, **mail}, dotenv=None))
    assert any(line.startswith("csrf is off: ") for line in app.assembly.report)
    assert clean.assembly.report == ()


def test_what_refuses_the_start(page):
    """The three kinds that `declare-access.md` lists."""
    undeclared = Zenith(settings=Settings.from_env(PRODUCTION, dotenv=None))
    undeclared.add_api_route("/x", lambda: None)
    late = Zenith()
    late.add_api_route("/x", handler := make_handler())
    public(handler)
    unguarded = Zenith(settings=Settings.from_env({"ZENITH_RATE_LIMITS": "off"}, dotenv=None))
    unguarded.add_api_route("/x", public(rate_limit("1/minute")(make_handler())))
    for app in (undeclared, late, unguarded):
        with pytest.raises(ConfigurationError, match="/x"):
            app.build_middleware_stack().prepare()


def make_handler() -> Callable[[], Any]:
    async def handler() -> None: ...

    return handler


async def test_a_proof_is_asked_for_again(page):
    names = page("ask-again.md")
    assert await names["Badge"]().verify(None, "the number on the badge", None)
    (access,) = accesses(marks_of(names["transfer"]))
    async with served(names["app"]) as client:
        await client.post("/auth/register", json=ADA)
        tokens = (await client.post("/auth/login", json=ADA)).json()
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        sent = await client.post("/transfers", headers=bearer)
        object.__setattr__(access.requirement, "clock", lambda: wall_clock() + 301)
        refused = await client.post("/transfers", headers=bearer)
        body = {"factor": "password", "proof": ADA["password"]}
        confirmed = await client.post("/auth/confirm", json=body, headers=bearer)
    assert sent.json() == {"status": "sent"}
    assert (refused.status_code, refused.json()["code"]) == (401, "factor_required")
    assert 'max_age="300", factors="password"' in refused.headers["www-authenticate"]
    assert confirmed.json()["access_token"] != tokens["access_token"]
