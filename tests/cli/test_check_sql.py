from __future__ import annotations

import json


def test_statements_that_are_put_together(zenith, tmp_path):
    code = tmp_path / "app.py"
    code.write_text("sql('SELECT 1')\n")
    done = zenith("check-sql", str(tmp_path))
    assert (done.exit_code, done.stdout) == (0, "1 files: every statement is written out\n")
    assert json.loads(zenith("check-sql", str(code), "--json").stdout)["findings"] == []
    code.write_text("sql(f'SELECT {x}')\n")
    found = zenith("check-sql", str(code))
    assert found.exit_code == 1
    assert "app.py:1: sql() gets SQL made with an f-string" in found.stdout
    assert "fix: bind the values" in found.stderr
    told = json.loads(zenith("check-sql", str(code), "--json").stdout)
    assert told["findings"][0]["line"] == 1


def test_what_cannot_be_read(zenith, tmp_path):
    assert zenith("check-sql", str(tmp_path / "nowhere")).exit_code == 2
    (tmp_path / "broken.py").write_text("def")
    broken = zenith("check-sql", str(tmp_path))
    assert broken.exit_code == 2
    assert "broken.py: SyntaxError" in broken.stderr
