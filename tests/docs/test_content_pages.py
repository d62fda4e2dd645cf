"""What the pages about content and uploads say happens, happens."""

from __future__ import annotations

import re

import httpx
import pytest

import zenith.content
from tests.content.test_uploads import jpeg, png
from tests.docs.pages import ROOT, Page
from tests.docs.test_pages import run
from zenith.content import (
    ArchiveLimits,
    HtmlProfile,
    UploadSettings,
    escape,
    is_local_path,
    safe_redirect,
    sanitize_html,
)
from zenith.content.settings import MIB, TYPES

HOW_TO = ROOT / "docs" / "how-to"
REFERENCE = Page(ROOT / "docs" / "reference" / "content.md")
ORIGIN = "http://localhost:8000"


@pytest.fixture
def page(monkeypatch, tmp_path):
    """Runs a page's code, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return lambda name: run(Page(HOW_TO / name), monkeypatch)


async def test_html_is_shown_as_the_page_says(page, capsys):
    names = page("show-html.md")
    assert capsys.readouterr().out == "url_credentials\n"
    assert names["table"].splitlines()[1] == '"\'=1+1","-5"'
    assert sanitize_html("<p onclick=x>Hello <script>alert(1)</script></p>") == "<p>Hello </p>"
    assert escape("<b>") == "&lt;b&gt;"
    assert not is_local_path("/a/../b")
    assert safe_redirect("//evil.example") == "/"
    body = {"title": "A", "body": "<p>x<script>y</script>", "bio": "a\u200b\nb", "answer": "<a>z"}
    transport = httpx.ASGITransport(app=names["app"])
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        answer = await client.post("/posts", json=body)
        assert answer.json()["body"] == "<p>x</p>"
        assert (answer.json()["bio"], answer.json()["answer"]) == ("a\nb", "z")
        refused = await client.post("/posts", json=body | {"title": "A\u202eB"})
        assert refused.status_code == 422
        assert refused.json()["detail"][0]["type"] == "hidden_characters"
    await names["app"].middleware_stack.stop()


async def test_files_are_taken_as_the_page_says(page):
    app = page("take-uploads.md")["app"]
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        taken = await client.post("/pictures", files={"file": ("../a.png", png(), "text/html")})
        assert taken.json()["name"] == "a.png"
        given = await client.get(f"/pictures/{taken.json()['id']}")
        assert given.content == png()
        assert given.headers["Content-Type"] == "image/png"
        assert given.headers["Content-Disposition"] == 'attachment; filename="a.png"'
        policies = given.headers.get_list("Content-Security-Policy")
        assert any(policy.startswith("sandbox;") for policy in policies)
        for file_id in ("x", "../a", "a" * 22):
            assert (await client.get(f"/pictures/{file_id}")).status_code == 404
        for data, name, status in (
            (jpeg(), "a.png", 415),
            (png() + b"<script>", "a.png", 422),
            (b"x" * (5 * MIB + 1), "a.png", 413),
            (b"x" * (7 * MIB), "a.png", 413),
        ):
            refused = await client.post("/pictures", files={"file": (name, data)})
            assert refused.status_code == status, name
    await app.middleware_stack.stop()


def test_the_reference_names_everything():
    named = set(re.findall(r"`(\w+)", REFERENCE.text)) | set(
        re.findall(r"[A-Z]\w+", REFERENCE.text)
    )
    assert set(zenith.content.__all__) <= named
    for settings in (HtmlProfile, UploadSettings, ArchiveLimits):
        assert set(settings.__dataclass_fields__) <= named


def test_the_types_of_files_are_those():
    text = (HOW_TO / "take-uploads.md").read_text(encoding="utf-8")
    listed = re.search(r"Types are ([^.]+)\.", text)
    assert listed is not None
    assert tuple(re.findall(r"`(\w+)`", listed[1])) == TYPES
