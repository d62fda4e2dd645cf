"""kill -9 at random moments of a re-encryption, while somebody writes by both keys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("REENCRYPTION_KILLS", "12"))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/models.db"
    return request.getfixturevalue("postgres_url")


def test_nothing_is_lost_and_it_comes_to_an_end(url, tmp_path):
    program = [sys.executable, "-m", "tests.stores.killed_reencryption", url, str(tmp_path)]
    done = subprocess.run(
        [*program, str(KILLS)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told.pop("killed") >= KILLS // 2
    assert told.pop("changes") > 0
    told["report"].pop("renewed")
    told.pop("marked")
    assert told == {
        "report": {"left": 0, "broken": 0},
        "notes": True,
        "numbers": True,
        "found": 240,
    }
