from __future__ import annotations

import json

DEAD = "postgresql://zenith:h1dden@127.0.0.1:1/zenith"


def test_from_nothing_to_current(zenith, tmp_path):
    (tmp_path / "home").mkdir(mode=0o700)
    before = zenith("db", "status")
    assert before.exit_code == 1
    assert "fix: zenith db upgrade" in before.stderr
    assert json.loads(zenith("db", "status", "--json").stdout)["up_to_date"] is False
    done = zenith("db", "upgrade")
    assert (done.exit_code, done.stdout[:10]) == (0, "upgraded: ")
    assert zenith("db", "upgrade").stdout == "the schema is up to date\n"
    after = zenith("db", "status")
    assert (after.exit_code, after.stdout.split()[-1]) == (0, "yes")
    assert json.loads(zenith("db", "status", "--json").stdout)["up_to_date"] is True


def test_a_database_that_is_down(zenith):
    for command in (["db", "status"], ["db", "upgrade"], ["accounts", "list"], ["serve"]):
        result = zenith(*command, ZENITH_DATABASE__URL=DEAD)
        assert result.exit_code == 3, result.output
        assert "no answer from database" in result.stderr
        assert "ZENITH_DATABASE__URL" in result.stderr
        assert "h1dden" not in result.output
        assert "Traceback" not in result.output


def test_a_folder_that_is_not_there(zenith):
    result = zenith("db", "upgrade", ZENITH_DATABASE__URL="sqlite:////proc/nowhere/zenith.db")
    assert result.exit_code in (2, 3)
    assert "Traceback" not in result.output


def test_an_old_schema_is_not_changed_unasked(zenith, tmp_path):
    (tmp_path / "home").mkdir(mode=0o700)
    result = zenith("accounts", "list", ZENITH_MIGRATE_AT_START="false")
    assert result.exit_code == 2
    assert "fix: run `zenith db upgrade`" in result.stderr
