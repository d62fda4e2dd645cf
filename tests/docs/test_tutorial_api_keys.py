"""The tutorial of API keys, followed by the letter."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from tests.docs.pages import ROOT, Page
from zenith.api_keys import KEY_PATTERN
from zenith.api_keys.key_format import new_key
from zenith.api_keys.routes import KeyWithSecret

TUTORIAL = Page(ROOT / "docs" / "tutorial" / "api-keys.md")
REFERENCE = Page(ROOT / "docs" / "reference" / "api-keys.md")
CURL = 'curl() { command curl -w "%{stderr}%{http_code}\\n" "$@"; }\n'


@pytest.fixture
def served(serve, tmp_path):
    """The tutorial's `main.py`, in a folder of its own."""
    (block,) = TUTORIAL.blocks("python")
    code = "from zenith.passwords import PasswordSettings\n" + block.text.replace(
        "Settings(api_keys", 'Settings(passwords=PasswordSettings(profile="testing"), api_keys'
    )
    (tmp_path / "main.py").write_text(code)
    return serve("main:app", env={"PYTHONPATH": str(ROOT / "src")}, cwd=tmp_path)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_the_commands_do_what_the_text_says(served, tmp_path):
    script = "".join(block.text for block in TUTORIAL.blocks("sh"))
    done = subprocess.run(
        ["sh", "-eu", "-c", CURL + script.replace("http://localhost:8000", served.url)],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
        timeout=60,
    )
    statuses = [int(line) for line in done.stderr.split()]
    assert statuses == [201, 200, 201, 200, 200, 403, 401, 201, 200, 200, 200, 204, 401]
    assert json.loads((tmp_path / "key.json").read_text())["key"].startswith("zk_")
    data = (tmp_path / ".zenith" / "audit.jsonl").read_text()
    assert '"API_KEY_ROTATED"' in data
    assert json.loads((tmp_path / "key.json").read_text())["key"] not in data


def test_the_reference_finds_what_we_make():
    found = {}
    for block in REFERENCE.blocks("python"):
        exec(block.text, found)  # noqa: S102  # our own page
    keys = [new_key() for _ in range(20)]
    wrong = keys[0][:-1] + ("0" if keys[0][-1] != "0" else "1")
    assert found["keys_in"](f"{keys} {wrong}") == keys
    assert KEY_PATTERN in [block.text.strip() for block in REFERENCE.blocks("text")]


def test_the_shown_key_has_the_members_of_one():
    (block,) = REFERENCE.blocks("json")
    assert list(json.loads(block.text)) == list(KeyWithSecret.model_fields)
