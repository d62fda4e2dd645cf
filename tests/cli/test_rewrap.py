"""The key-encryption key is replaced: by another file, variable, program or service."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli import conftest
from tests.encryption import kms_servers
from zenith.encryption import EnvironmentKeyProvider, FileKeyProvider, KeyFile
from zenith.kernel.keys import new_token

ROOT = Path(__file__).resolve().parents[2]
FILE, VARIABLE, COMMAND = (f"ZENITH_ENCRYPTION__KEY{end}" for end in ("_FILE", "", "_COMMAND"))


@pytest.fixture
def made(zenith, tmp_path):
    """The file of keys, and the id of the key that encrypts."""
    zenith("keys", "generate")
    path = tmp_path / "home" / "encryption.json"
    own = FileKeyProvider(tmp_path / "home" / "encryption.key")
    return path, active(path, own)


def active(path, provider):
    return asyncio.run(KeyFile(path, provider).read()).values.active.id.hex()


def listed(zenith, **variables):
    answer = zenith("keys", "list", "--json", **variables)
    return [
        each["id"] for each in json.loads(answer.stdout)["encryption"] if each["use"] == "values"
    ]


def test_another_file_takes_over(zenith, made, tmp_path):
    path, key = made
    fresh = tmp_path / "new" / "app.key"
    before = path.read_text()
    told = zenith("keys", "rewrap", "--key-file", str(fresh))
    assert told.exit_code == 0, told.output
    assert f"set {FILE}" in told.stdout
    assert "nothing was recorded: there is no database" in told.stdout
    assert stat.S_IMODE(fresh.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["generation"] == json.loads(before)["generation"] + 1
    assert listed(zenith, **{FILE: str(fresh)}) == [key]
    assert zenith("keys", "list", "--json").exit_code == 2
    again = zenith("keys", "rewrap", "--key-file", str(fresh), "--json", **{FILE: str(fresh)})
    # The list has made the database.
    assert json.loads(again.stdout) == {"rewrapped": False, "recorded": True}


def test_a_resumed_one_needs_the_former_settings_only(zenith, made, tmp_path):
    """The settings still name the former key, and the file has the new one already."""
    fresh = tmp_path / "app.key"
    zenith("keys", "rewrap", "--key-file", str(fresh))
    again = zenith("keys", "rewrap", "--key-file", str(fresh))
    assert (again.exit_code, "already" in again.stdout) == (0, True)


def test_variables_and_programs_take_over(zenith, made, tmp_path):
    path, key = made
    secret = new_token(48)
    told = zenith("keys", "rewrap", "--key-variable", "NEXT", "--json", NEXT=secret)
    assert json.loads(told.stdout) == {"rewrapped": True, "recorded": False}
    assert active(path, EnvironmentKeyProvider({"K": secret}, "K")) == key
    program = ("--key-command", sys.executable, "--key-command", "-c", "--key-command")
    other = new_token(48)
    told = zenith("keys", "rewrap", *program, f"print('{other}')", **{VARIABLE: secret})
    assert f"set {COMMAND}" in told.stdout, told.output
    assert active(path, EnvironmentKeyProvider({"K": other}, "K")) == key


def test_a_service_takes_over_and_makes_a_fresh_key(zenith, made, tmp_path):
    path, key = made
    token = tmp_path / "token"
    token.write_text(kms_servers.TOKEN)
    token.chmod(0o600)
    with kms_servers.serving(kms_servers.Vault()) as origin:
        named = {
            "ZENITH_ENCRYPTION__KMS_KEY": f"vault:{origin}/team/transit/app",
            "ZENITH_ENCRYPTION__KMS_CONTEXT": "shop",
            "ZENITH_ENCRYPTION__KMS_TOKEN_FILE": str(token),
        }
        options = [
            *("--kms-key", named["ZENITH_ENCRYPTION__KMS_KEY"], "--kms-context", "shop"),
            *("--kms-token-file", str(token)),
        ]
        assert zenith("keys", "rewrap", *options).exit_code == 0
        assert listed(zenith, **named) == [key]
        former = path.read_text()
        fresh = zenith("keys", "rewrap", "--json", **named)
        assert json.loads(fresh.stdout)["rewrapped"] is True
        assert head(path.read_text()) != head(former)
        moved = zenith("keys", "rewrap", "--kms-context", "shop-eu", **named)
        assert moved.exit_code == 0, moved.output
        assert zenith("keys", "list", **named).exit_code == 2
        assert listed(zenith, **{**named, "ZENITH_ENCRYPTION__KMS_CONTEXT": "shop-eu"}) == [key]


def head(document):
    """What the service has wrapped."""
    return json.loads(document)["values"][0]["wrapped"][:80]


def test_what_is_not_named_is_asked_for(zenith, made, tmp_path):
    path, _ = made
    before = path.read_bytes()
    both = zenith(
        *("keys", "rewrap", "--key-file", str(tmp_path / "x"), "--key-variable", "NEXT"),
        NEXT=new_token(48),
    )
    for answer in (
        both,
        zenith("keys", "rewrap"),
        zenith("keys", "rewrap", "--key-variable", "MISSING"),
        zenith("keys", "rewrap", "--key-variable", "WEAK", WEAK="short"),
        zenith("keys", "rewrap", "--kms-key", "vault:https://v.example.org/t/k"),
        zenith("keys", "rewrap", "--key-file", str(tmp_path / "x"), "--key-command", "/y"),
    ):
        assert answer.exit_code == 2, answer.output
        assert "fix:" in answer.output
    assert path.read_bytes() == before


def test_where_there_are_no_keys_none_are_wrapped(zenith, tmp_path):
    answer = zenith("keys", "rewrap", "--key-file", str(tmp_path / "x"))
    assert (answer.exit_code, "keys generate" in answer.output) == (2, True)
    off = zenith("keys", "rewrap", "--key-file", str(tmp_path / "x"), ZENITH_ENCRYPTION="off")
    assert off.exit_code == 2


def test_it_is_recorded_where_there_is_a_log(zenith, made, tmp_path):
    zenith("db", "upgrade")
    fresh = str(tmp_path / "app.key")
    told = zenith("keys", "rewrap", "--key-file", fresh, "--json")
    assert json.loads(told.stdout) == {"rewrapped": True, "recorded": True}
    found = json.loads(zenith("audit", "search", "--json", **{FILE: fresh}).stdout)["events"]
    (event,) = [each for each in found if each["type"] == "ENCRYPTION_KEYS_REWRAPPED"]
    assert (event["subject"], event["details"]["by"]) == ("operator", FILE)


def test_nothing_changes_without_its_record(zenith, made, tmp_path):
    path, _ = made
    before = path.read_bytes()
    gone = {"ZENITH_DATABASE__URL": "postgresql://app:x@127.0.0.1:9/none"}
    answer = zenith("keys", "rewrap", "--key-file", str(tmp_path / "app.key"), **gone)
    assert (answer.exit_code, path.read_bytes()) == (3, before), answer.output


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"ZENITH_AUDIT": "off"}, "the audit log is off"),
        ({"ZENITH_DATABASE__URL": "sqlite:///empty.db"}, "the database has no tables"),
    ],
)
def test_it_says_when_nothing_was_recorded(zenith, variables, told):
    answer = zenith("keys", "generate", **variables)
    assert f"nothing was recorded: {told}" in " ".join(answer.output.split()), answer.output


def test_killed_before_any_step_the_file_opens_and_the_command_goes_on(tmp_path):
    """kill -9 before each step on the disk, one after the other."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.cli.rewrapped_and_killed", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, **conftest.EASY, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["kills"] > 8
    assert told["came_to_the_end"]
