"""The check that finds SQL which is put together at run time."""

from __future__ import annotations

from pathlib import Path

import pytest

from zenith.query.literal_check import check, find


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("session.exec(text(f'SELECT * FROM t WHERE a = {x}'))", "an f-string"),
        ("query = f'SELECT {x}'\nsession.execute(text(query))", "an f-string"),
        ("sql('SELECT ' + x)", "`+`"),
        ("sql(x + ' FROM t')", "`+`"),
        ("sql('SELECT %s' % x)", "`%`"),
        ("sql('SELECT {}'.format(x))", "`format`"),
        ("sql('SELECT {a}'.format_map(x))", "`format_map`"),
        ("sql(', '.join(x))", "`join`"),
        ("sql('SELECT N'.replace('N', x))", "`replace`"),
        ("sql(f'SELECT {x}'.strip())", "an f-string"),
        ("sql(dedent(f'SELECT {x}'))", "an f-string"),
        ("s = 'SELECT 1'\ns += x\nsql(s)", "`+`"),
        ("s = 'SELECT 1'\nif x:\n    s = f'SELECT {x}'\nsql(s)", "an f-string"),
        ("s = f'SELECT {x}'\ns = 'SELECT 1'\nsql(s)", "an f-string"),
        ("sql('SELECT 1' if x else f'SELECT {x}')", "an f-string"),
        ("s: str = f'SELECT {x}'\nsql(s)", "an f-string"),
        ("if (s := f'SELECT {x}'):\n    sql(s)", "an f-string"),
        ("connection.fetch(statement=f'SELECT {x}')", "an f-string"),
        ("def f(name):\n    return sql(f'SELECT {name}')", "an f-string"),
        ("Q = 'SELECT '\nasync def f(a, *, b):\n    await sql(Q + b)", "`+`"),
        ("run(lambda a: sql('SELECT ' + a))", "`+`"),
        ("def f():\n    def g(a):\n        sql(f'{a}')", "an f-string"),
        ("cursor.executemany('INSERT INTO %s' % (x,), rows)", "`%`"),
    ],
)
def test_what_is_found(code: str, how: str) -> None:
    findings = find(code)
    assert findings
    assert {finding.how for finding in findings} == {how}


@pytest.mark.parametrize(
    "code",
    [
        "sql('SELECT * FROM t WHERE a = :a', a=x)",
        "sql('SELECT 1 ' 'FROM t')",
        "sql('SELECT 1 ' + 'FROM t')",
        "T = 't'\nsql(f'SELECT 1 FROM {T}')",
        "T = ('a', 'b')\nsql('SELECT %s, %s' % T)",
        "sql('SELECT {}'.format('a'))",
        "sql(', '.join(['a', 'b']))",
        "session.exec(select(User).where(User.id == x))",
        "executor.execute(job + 1)",
        "logging.info(f'{x}')",
        "sql(x)",
        "sql()",
        "sql(f'SELECT {x}')  # sql: fixed",
        "s: str\nsql(s)",
        "a = b\nb = a\nsql(a)",
        "x[0]()(f'{x}')",
        "s, t = f'{x}', 1\nu += 'a'\nsql(u)",
    ],
)
def test_what_is_left_alone(code: str) -> None:
    assert find(code) == []


def test_folders_are_read_without_what_is_not_the_applications(tmp_path: Path) -> None:
    bad = "sql(f'SELECT {x}')\n"
    for name in ("app.py", "inner/more.py", ".venv/lib.py", "node_modules/x.py", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(bad)
    (tmp_path / "broken.py").write_text("def")
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe")
    report = check([tmp_path, tmp_path / "notes.txt"])
    assert [Path(finding.path).name for finding in report.findings] == [
        "app.py",
        "more.py",
        "notes.txt",
    ]
    assert len(report.unread) == 2
    assert report.files == 5
    assert str(report.findings[0]).endswith("app.py:1: sql() gets SQL made with an f-string")


def test_the_examples_and_the_queries_themselves_are_clean() -> None:
    root = Path(__file__).resolve().parents[2]
    assert check([root / "src/zenith/query", root / "examples"]).findings == ()
