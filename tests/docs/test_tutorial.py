"""The tutorial, followed by the letter: its file is served, its commands are run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.docs.pages import ROOT, Page

TUTORIAL = Page(ROOT / "docs" / "tutorial" / "first-application.md")
WHERE = "localhost:8000"
CURL = 'curl() { command curl -w "%{stderr}%{http_code}\\n" "$@"; }\n'


@pytest.fixture
def served(serve, tmp_path):
    """The tutorial's `main.py`, in a folder of its own."""
    (block,) = TUTORIAL.blocks("python")
    (tmp_path / "main.py").write_text(block.text)
    fast = {"ZENITH_PASSWORDS__PROFILE": "testing", "ZENITH_ACCOUNTS__REGISTER_SECONDS": "0"}
    return serve("main:app", env={"PYTHONPATH": str(ROOT / "src"), **fast}, cwd=tmp_path)


def follow(url: str, folder: Path) -> tuple[list[int], list[str]]:
    """Run the tutorial's commands as one session; the statuses and what was printed."""
    script = "".join(block.text for block in TUTORIAL.blocks("sh"))
    assert WHERE in script
    done = subprocess.run(
        ["sh", "-eu", "-c", CURL + script.replace(f"http://{WHERE}", url)],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
        timeout=60,
    )
    return [int(line) for line in done.stderr.split()], done.stdout.splitlines()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_the_commands_do_what_the_text_says(served, tmp_path):
    statuses, _ = follow(served.url, tmp_path)
    hello, stranger, registered, signed_in, me, sessions, signed_out, after = statuses
    assert (hello, stranger) == (200, 401)
    assert (registered, signed_in) == (201, 200)
    assert (me, sessions) == (200, 200)
    assert (signed_out, after) == (204, 401)
    assert json.loads((tmp_path / "tokens.json").read_text())["expires_in"] == 15 * 60
    data = tmp_path / ".zenith"
    assert (data / "audit.jsonl").exists()
    assert data.stat().st_mode & 0o077 == 0


def test_the_refusal_looks_as_shown(served):
    (block,) = TUTORIAL.blocks("json")
    shown = json.loads(block.text)
    answer = httpx.get(served.url + "/me")
    found = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert found.pop("instance").startswith(shown.pop("instance").removesuffix("..."))
    assert found == shown


def test_what_the_text_suggests_to_try(served):
    """A short password, the same e-mail again, the next pair of tokens, the limits."""
    with httpx.Client(base_url=served.url) as client:
        ada = {"email": "ada@example.org", "password": "violet tractor pond ninety"}
        short = client.post("/auth/register", json={**ada, "password": "short"})
        assert short.status_code == 422
        assert short.json()["detail"][0]["msg"] == "Use at least 15 characters"
        first = client.post("/auth/register", json=ada)
        again = client.post("/auth/register", json=ada)
        assert (first.status_code, first.text) == (again.status_code, again.text)
        pair = client.post("/auth/login", json=ada).json()
        body = {"refresh_token": pair["refresh_token"]}
        following = client.post("/auth/refresh", json=body)
        assert following.status_code == 200
        assert following.json().keys() == pair.keys()
        assert first.headers["x-ratelimit-limit"] == "100"
        wrong = {**ada, "password": "wrong"}
        attempts = [client.post("/auth/login", json=wrong).status_code for _ in range(10)]
        assert attempts == [401] * 9 + [429]
