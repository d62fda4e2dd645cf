"""The tutorials of second factors, followed by the letter."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from tests.docs.pages import ROOT, Page

FACTORS = Page(ROOT / "docs" / "tutorial" / "second-factors.md")
PASSKEYS = Page(ROOT / "docs" / "tutorial" / "passkeys.md")
WHERE = "localhost:8000"
CURL = 'curl() { command curl -w "%{stderr}%{http_code}\\n" "$@"; }\n'


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_the_commands_do_what_the_text_says(serve, tmp_path):
    first, _ = FACTORS.blocks("python")
    (tmp_path / "main.py").write_text(first.text)
    fast = {"ZENITH_PASSWORDS__PROFILE": "testing", "ZENITH_ACCOUNTS__REGISTER_SECONDS": "0"}
    served = serve("main:app", env={"PYTHONPATH": str(ROOT / "src"), **fast}, cwd=tmp_path)
    script = "".join(block.text for block in FACTORS.blocks("sh"))
    done = subprocess.run(
        ["sh", "-eu", "-c", CURL + script.replace(f"http://{WHERE}", served.url)],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
        timeout=60,
    )
    statuses = [int(line) for line in done.stderr.split()]
    assert statuses == [201, 200, 200, 201, 200, 200, 200]
    assert len(json.loads((tmp_path / "added.json").read_text())["recovery_codes"]) == 10
    due = json.loads((tmp_path / "due.json").read_text())
    assert due["factors_due"] == ["totp", "recovery_code"]
    assert "access_token" not in due
    assert "ada@example.org" in done.stdout


def test_the_applications_start(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, required = FACTORS.blocks("python")
    (passkeys,) = PASSKEYS.blocks("python")
    for block in (required, passkeys):
        names: dict[str, object] = {}
        exec(compile(block.text, "main.py", "exec"), names)  # noqa: S102
        assert names["app"].settings.mfa.passkeys
