from __future__ import annotations

import json
import socket
import sqlite3
from contextlib import closing


def document(answer, code=0):
    assert answer.exit_code == code, answer.output
    return json.loads(answer.stdout)


def events(zenith):
    """Commands whose every change is in the log."""
    for number in range(3):
        assert zenith("bans", "add", f"account:a{number}", "--reason", "why").exit_code == 0


def tamper(tmp_path, statement):
    with closing(sqlite3.connect(tmp_path / "home" / "zenith.db")) as connection, connection:
        connection.execute(statement)


def test_a_log_is_verified(zenith, tmp_path):
    events(zenith)
    found = document(zenith("audit", "verify", "--json"))
    assert found["holds"]
    assert found["events"] >= 3
    assert found["checkpoints"] >= 1
    assert found["findings"] == []
    answer = zenith("audit", "verify")
    assert answer.exit_code == 0
    assert "nothing was changed, removed or added" in answer.stdout
    assert "checkpoints fit" in answer.stdout


def test_receivers_hear_of_what_is_done_from_a_shell(zenith, tmp_path, monkeypatch):
    """ASVS 16.4.3."""
    events(zenith)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        address = f"udp://127.0.0.1:{receiver.getsockname()[1]}"
        monkeypatch.setenv("ZENITH_AUDIT__SYSLOG__ADDRESS", address)
        for command, kind in (
            (["verify"], b"AUDIT_VERIFIED"),
            (["export", "--proof", str(tmp_path / "proof")], b"AUDIT_EXPORTED"),
        ):
            assert zenith("audit", *command).exit_code == 0
            assert kind in receiver.recv(65536)


def test_tampering_is_shown_and_ends_with_one(zenith, tmp_path):
    events(zenith)
    tamper(tmp_path, "UPDATE zenith_audit_events SET target = 'x' WHERE sequence = 2")
    found = document(zenith("audit", "verify", "--json"), code=1)
    (finding,) = found["findings"]
    assert (finding["kind"], finding["sequence"]) == ("edited", 2)
    assert not found["holds"]
    answer = zenith("audit", "verify")
    assert answer.exit_code == 1
    assert "edited" in answer.stdout
    assert "the log is not as it was written: 1 findings" in answer.stderr


def test_a_log_that_was_cut_is_found_by_its_checkpoints(zenith, tmp_path):
    events(zenith)
    tamper(tmp_path, "DELETE FROM zenith_audit_seals")
    tamper(tmp_path, "DELETE FROM zenith_audit_events")
    kinds = {each["kind"] for each in document(zenith("audit", "verify", "--json"), 1)["findings"]}
    assert kinds == {"truncated"}
    empty = tmp_path / "none.jsonl"
    empty.touch()
    found = zenith("audit", "verify", "--checkpoints", str(empty))
    assert found.exit_code == 0
    assert "no checkpoint" in found.stdout
    missing = zenith("audit", "verify", "--checkpoints", str(tmp_path / "nowhere"))
    assert missing.exit_code == 2


def test_an_export_proves_itself_elsewhere(zenith, tmp_path):
    events(zenith)
    path = tmp_path / "log.jsonl"
    made = document(zenith("audit", "export", "--proof", str(path), "--json"))
    assert made["events"] >= 3
    assert path.stat().st_mode & 0o777 == 0o600
    (key,) = document(zenith("audit", "key", "--json"))["keys"]
    assert key["public"] in zenith("audit", "key").stdout
    found = document(zenith("audit", "verify", str(path), "--public-key", key["public"], "--json"))
    assert found["holds"]
    assert found["events"] == made["events"]
    assert zenith("audit", "verify", str(path)).exit_code == 0
    path.write_text(path.read_text().replace("account:a1", "account:zz"))
    found = document(zenith("audit", "verify", str(path), "--json"), code=1)
    assert {each["kind"] for each in found["findings"]} == {"edited"}


def test_exports_are_refused_where_they_prove_nothing(zenith, tmp_path):
    path = tmp_path / "log.jsonl"
    no_schema = zenith("audit", "verify")
    assert no_schema.exit_code == 3
    events(zenith)
    assert zenith("audit", "export", "--proof", str(path)).exit_code == 0
    again = zenith("audit", "export", "--proof", str(path))
    assert again.exit_code == 2
    assert "File exists" in again.stderr
    other = zenith("audit", "verify", str(path), "--public-key", "00" * 32)
    assert other.exit_code in (1, 2)
    wrong = zenith("audit", "verify", str(path), "--public-key", "hello")
    assert wrong.exit_code == 2
    path.write_text("something else\n")
    assert "no export" in zenith("audit", "verify", str(path)).stderr
    assert zenith("audit", "verify", str(tmp_path / "nowhere")).exit_code == 2
    assert zenith("audit", "export", "--proof", str(path), "--since", "x").exit_code == 2


def test_what_is_old_is_pruned(zenith, tmp_path, monkeypatch):
    events(zenith)
    assert document(zenith("audit", "prune", "--older-than", "1d", "--json"))["events"] == 0
    monkeypatch.setattr("zenith.cli.audit.wall_clock", lambda: 5_000_000_000.0)
    answer = zenith("audit", "prune", "--older-than", "400d")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.startswith("removed: ")
    found = document(zenith("audit", "verify", "--json"))
    assert found["holds"]
    assert found["pruned"] >= 2
    assert "were pruned" in zenith("audit", "verify").stdout
    assert zenith("audit", "prune", "--older-than", "many").exit_code == 2


def test_what_was_tampered_with_is_not_pruned(zenith, tmp_path, monkeypatch):
    events(zenith)
    tamper(tmp_path, "UPDATE zenith_audit_events SET target = 'x' WHERE sequence = 1")
    monkeypatch.setattr("zenith.cli.audit.wall_clock", lambda: 5_000_000_000.0)
    answer = zenith("audit", "prune", "--older-than", "400d")
    assert answer.exit_code == 1
    assert "nothing is removed" in answer.stderr


def test_a_forged_chain_is_not_exported(zenith, tmp_path):
    events(zenith)
    tamper(tmp_path, "UPDATE zenith_audit_seals SET mac = hash WHERE number = 0")
    path = tmp_path / "log.jsonl"
    answer = zenith("audit", "export", "--proof", str(path))
    assert answer.exit_code == 1
    assert "at seal 0: nothing is signed that does not verify" in answer.stderr
    assert not path.exists()
