"""The rules of the house hold for the tree, and each of them would notice a breach."""

from __future__ import annotations

import pytest

from tools import suite
from tools.house import code, names, texts
from tools.house.code import Source

LONG = "def f():\n" + "    pass\n" * 41

BREACHES = {
    "file too long": ("tokens/jwt.py", "\n" * 401, "401 lines"),
    "guard too long": ("csrf/guard.py", "\n" * 121, "121 lines"),
    "function too long": ("tokens/jwt.py", LONG, "f has 42 lines"),
    "fastapi in an engine": ("tokens/jwt.py", "import fastapi", "FastAPI is for"),
    "fastapi in a function": ("tokens/jwt.py", "def f():\n import fastapi.routing", "FastAPI is"),
    "fastapi for types only": (
        "tokens/jwt.py",
        "if TYPE_CHECKING:\n from fastapi import Request",
        "FastAPI is for",
    ),
    "an app of another folder": ("tokens/app.py", "import fastapi", "FastAPI is for"),
    "web in the kernel": ("kernel/keys.py", "from starlette import types", "knows no web"),
    "web beside the kernel": ("kernel/depends.py", "import fastapi", "knows no web"),
    "web in an engine": ("content/links.py", "import starlette", "knows no web"),
    "more than dependencies": ("content/depends.py", "import starlette", "knows no web"),
    "driver outside stores": ("audit/log.py", "from sqlalchemy import text", "drivers"),
    "redis outside stores": ("sessions/store.py", "import redis.asyncio", "drivers"),
    "front door": ("tokens/jwt.py", "from zenith import Zenith", "import from the part"),
    "vague name": ("tokens/utils.py", "", "name the file"),
    "code in an init": ("tokens/__init__.py", "def f(): ...", "__init__ holds"),
    "name in an init": ("tokens/__init__.py", "CACHE = {}", "__init__ holds"),
    "environment": ("tokens/keys.py", "import os\nkey = os.environ['KEY']", "reads the env"),
    "getenv": ("tokens/keys.py", "import os\nkey = os.getenv('KEY')", "reads the env"),
    "settings not frozen": (
        "csrf/settings.py",
        "@dataclass(kw_only=True)\nclass CSRFSettings:\n  pass",
        "without frozen, slots",
    ),
    "settings undocumented": (
        "csrf/settings.py",
        "@dataclass(frozen=True, kw_only=True, slots=True)\nclass CSRFSettings:\n  header: str",
        "no docstring under it",
    ),
}

CLEAN = {
    "app.py": "from fastapi import FastAPI",
    "tokens/depends.py": "from fastapi import Depends",
    "content/depends.py": "from fastapi import UploadFile",
    "tokens/routes.py": "from fastapi import APIRouter",
    "testing/plugin.py": "import fastapi",
    "stores/sql/engine.py": "import sqlalchemy",
    "pipeline/middleware.py": "from starlette.types import ASGIApp",
    "tokens/__init__.py": '"""Tokens."""\nfrom zenith.tokens.jwt import f\n__all__ = ["f"]',
    "csrf/settings.py": (
        "@dataclass(frozen=True, kw_only=True, slots=True)\n"
        'class CSRFSettings:\n  header: str = "x"\n  """The header."""'
    ),
}


def test_the_tree_breaks_no_rule_of_code() -> None:
    assert code.check() == []


def test_the_tree_breaks_no_rule_of_names() -> None:
    assert names.check() == []


def test_the_tree_breaks_no_rule_of_texts() -> None:
    assert texts.check() == []


@pytest.mark.parametrize("case", BREACHES)
def test_a_breach_is_found(case: str) -> None:
    path, text, said = BREACHES[case]
    found = code.breaches(Source(path, text))
    assert len(found) == 1
    assert said in found[0]


@pytest.mark.parametrize("path", CLEAN)
def test_what_is_allowed_is_let_be(path: str) -> None:
    assert code.breaches(Source(path, CLEAN[path])) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("class MemoryBackend: ...", "say store"),
        ("def throttle(): ...", "say limit"),
        ("def f(*, authorise: bool): ...", "say authorize"),
        ("allowed_behaviour: str = ''", "say behavior"),
    ],
)
def test_a_word_that_is_not_ours_is_found(text: str, said: str) -> None:
    assert [said in breach for breach in names.breaches(Source("a/b.py", text))] == [True]


def test_private_names_and_foreign_words_are_let_be() -> None:
    assert not [*names.breaches(Source("a/b.py", "def _backend(): ...\ndef backed(): ..."))]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("--index" + "-url x", "package index"),
        ("https://py" + "pi.org/simple", "package index"),
        ("/ho" + "me/someone/zenith", "path of one machine"),
        ("/wo" + "rk/main", "path of one machine"),
        ("# TO" + "DO later", "unfinished"),
    ],
)
def test_what_no_file_may_hold_is_found(line: str, what: str) -> None:
    found = [*texts.unwanted("a.txt", f"fine\n{line}\n")]
    assert len(found) == 1
    assert what in found[0]
    assert found[0].startswith("a.txt:2:")


@pytest.mark.parametrize(
    "line", ["GET /home", "https://example.com/home/", "/work", "/worker", "/root/b"]
)
def test_a_path_of_a_web_address_is_let_be(line: str) -> None:
    assert not [*texts.unwanted("a.txt", line)]


@pytest.mark.parametrize(
    ("name", "text", "breaches"),
    [
        ("2.added.md", "- One thing.\n  More of it.\n- Another.\n", 0),
        ("2.added.1.md", "- One thing.\n", 0),
        ("2.feature.md", "- One thing.\n", 1),
        ("thing.md", "- One thing.\n", 1),
        ("2.fixed.md", "", 1),
        ("2.fixed.md", "A paragraph.\n", 1),
    ],
)
def test_fragments_have_one_shape(name: str, text: str, breaches: int) -> None:
    assert len([*texts.fragment(name, text)]) == breaches


def file(covered: int, total: int) -> dict[str, object]:
    return {
        "summary": {
            "covered_lines": covered,
            "num_statements": total,
            "covered_branches": 0,
            "num_branches": 0,
        },
        "missing_lines": [7] if covered < total else [],
        "missing_branches": [[3, -1]] if covered < total else [],
    }


def test_coverage_bars_differ_by_part() -> None:
    files = {
        "src/zenith/tokens/jwt.py": file(199, 200),
        "src/zenith/accounts/a.py": file(190, 200),
        "src/zenith/accounts/b.py": file(0, 0),
        "src/zenith/app.py": file(94, 100),
        "src/zenith/kernel/keys.py": file(10, 10),
    }
    assert suite.below(files) == [
        "app: 94.00 % of lines and branches, the bar is 95 %",
        "    src/zenith/app.py: 7, 3->exit",
        "tokens: 99.50 % of lines and branches, the bar is 100 %",
        "    src/zenith/tokens/jwt.py: 7, 3->exit",
    ]
