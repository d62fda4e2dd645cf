"""What the how-to about calls of other servers says happens, happens."""

from __future__ import annotations

import httpx
import pytest

from tests.docs.pages import ROOT, Page
from tests.docs.test_pages import run
from zenith import Zenith, public
from zenith.outbound import CallRefusedError, OutboundClient, OutboundSettings

PAGE = Page(ROOT / "docs" / "how-to" / "call-other-servers.md")


@pytest.fixture
def names(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return run(PAGE, monkeypatch)


async def test_the_code_of_the_page_refuses_the_urls_of_its_first_lines(names):
    for url in ("http://169.254.169.254/", "http://10.0.0.5:6379/", "https://10.0.0.5/"):
        with pytest.raises(CallRefusedError):
            await names["outbound"].get(url)
        assert await names["ping"](url) == "down"
        with pytest.raises(CallRefusedError):
            await names["library_client"].get(url)
    await names["library_client"].aclose()
    await names["outbound"].aclose()


def test_the_defaults_of_the_page_are_those_of_the_settings():
    defaults = OutboundSettings()
    shown = {"1 MiB": 1024 * 1024, "5 s": 5.0, "10 s": 10.0, "30 s": 30.0, "32": 32, "0": 0}
    rows = [line.split("|")[1:3] for line in PAGE.text.splitlines() if line.startswith("| `")]
    assert len(rows) == 6
    for name, value in rows:
        assert getattr(defaults, name.strip(" `")) == shown[value.strip()]


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("https://127.0.0.1/", 422, "call_refused"),
        ("https://inside.example.com/", 502, "outbound_failed"),
        ("https://nowhere.example.com/", 502, "outbound_failed"),
    ],
)
async def test_what_the_client_is_told(monkeypatch, tmp_path, url, status, code):
    async def resolver(host):
        return ["10.0.0.5"] if host.startswith("inside") else []

    monkeypatch.chdir(tmp_path)
    app, outbound = Zenith(), OutboundClient(resolver=resolver)

    @app.get("/preview")
    @public
    async def preview(url: str) -> int:
        return (await outbound.get(url)).status

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        answer = await client.get("/preview", params={"url": url})
    await app.middleware_stack.stop()
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "10.0.0.5" not in answer.text
    assert "example.com" not in answer.text
