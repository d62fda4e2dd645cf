"""The list of the guides' snippets is whole, and every test that it names exists."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "guide-coverage.md"


def rows() -> list[list[list[str]]]:
    """The cells of each table, row by row."""
    tables: list[list[list[str]]] = []
    snippets = PAGE.read_text(encoding="utf-8").partition("## The checklist")[0]
    for line in snippets.splitlines():
        if line.startswith("| no."):
            tables.append([])
        elif line.startswith("| ") and tables:
            tables[-1].append([cell.strip() for cell in line.strip("|").split("|")])
    return tables


NAMED = [row[3].strip("`") for table in rows() for row in table if row[3] != "open"]


def names_in(path: Path) -> set[str]:
    """`test_x` and `TestY::test_z` of a test file."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            inner = (n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
            found |= {f"{node.name}::{each.name}" for each in inner}
    return found


def test_every_snippet_is_listed_once_and_in_order():
    """49 snippets of the one document, 11 of the other."""
    tables = rows()
    assert [[row[0] for row in table] for table in tables] == [
        [str(number) for number in range(1, 50)],
        [str(number) for number in range(1, 12)],
    ]


def test_open_means_open():
    """A row has a place and a test, or it is open and names nothing."""
    for table in rows():
        for number, topic, place, test in table:
            assert topic, number
            assert (place == "open") == (test == "open"), f"{number} {topic}"


@pytest.mark.parametrize("test", sorted(set(NAMED)))
def test_the_named_test_exists(test):
    file, _, name = test.partition("::")
    assert (ROOT / file).is_file()
    assert name in names_in(ROOT / file)


def test_the_named_examples_exist():
    """Files in the column of places."""
    for table in rows():
        for row in table:
            for word in row[2].split("`"):
                if word.startswith("examples/"):
                    assert (ROOT / word).exists(), word


def test_the_checklist_names_what_exists():
    """What is open is what comes later, and said to be."""
    lines = PAGE.read_text(encoding="utf-8").partition("| item |")[2].splitlines()[2:]
    items = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert len(items) == 32
    for item, place, shown in items:
        assert (place == "open") == (shown == "open"), item
        assert shown == "open" or (ROOT / shown.strip("`")).is_file(), item


def test_every_snippet_that_is_proven_says_what_the_guide_does():
    """The docstrings are half of the point."""
    for test in NAMED:
        file, _, name = test.partition("::")
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        last = name.rsplit("::", 1)[-1]
        found = [
            ast.get_docstring(node)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == last
        ]
        assert all(found), test
