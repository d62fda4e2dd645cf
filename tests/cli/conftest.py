"""The command in this process, with a home of its own."""

from __future__ import annotations

import os

import pytest
from typer.testing import CliRunner

from zenith.cli.application import application

EASY = {
    "ZENITH_PASSWORDS__PROFILE": "testing",
    "ZENITH_ACCOUNTS__REGISTER_SECONDS": "0",
}


@pytest.fixture
def zenith(tmp_path, monkeypatch):
    """`zenith("db", "status", ZENITH_ENV="test")`: the result of the command."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "PORT", "ZENITH_ORIGIN", "ZENITH_WORKERS"):
        # Set first, so that what the command sets itself is taken back after the test.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)

    def call(*arguments, **variables):
        env = {"ZENITH_HOME": str(tmp_path / "home"), **EASY, **variables}
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        try:
            return CliRunner().invoke(application, list(arguments), prog_name="zenith")
        finally:
            for name in variables:
                os.environ.pop(name, None)

    return call
