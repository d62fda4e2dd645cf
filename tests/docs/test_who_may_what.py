"""The tutorial on roles and policies builds the application whose tests prove what it says."""

from __future__ import annotations

import ast
import re
import shlex

from typer.testing import CliRunner

from tests.docs.pages import ROOT, Page
from zenith.cli.application import application

TUTORIAL = Page(ROOT / "docs" / "tutorial" / "who-may-what.md")
EXAMPLE = ROOT / "examples" / "documents"


def definitions(text: str) -> dict[str, str]:
    """The classes and functions of a module, without the name that keeps tables apart here."""
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            lines = ast.unparse(node).splitlines()
            found[node.name] = "\n".join(line for line in lines if "__tablename__" not in line)
    return found


def test_its_steps_are_the_example():
    built = definitions("".join(block.text for block in TUTORIAL.blocks("python")))
    whole = definitions((EXAMPLE / "app.py").read_text(encoding="utf-8"))
    assert built == whole


def test_its_policy_is_the_examples():
    blocks = "".join(block.text for block in TUTORIAL.blocks("yaml"))
    built = re.sub(r"^# .*\n", "", blocks, flags=re.MULTILINE)
    whole = (EXAMPLE / "policy.yaml").read_text(encoding="utf-8")
    assert [line for line in built.splitlines() if line] == [
        line for line in whole.splitlines() if line
    ]


def test_policy_commands_print_what_it_shows(monkeypatch):
    """Word by word."""
    monkeypatch.chdir(EXAMPLE)
    shown = [block.text for block in TUTORIAL.blocks("console") if "zenith policy" in block.text]
    assert len(shown) == 2
    for text in shown:
        command, _, output = text.removeprefix("$ ").replace("\\\n", "").partition("\n")
        done = CliRunner().invoke(application, shlex.split(command)[1:], prog_name="zenith")
        assert done.output == output
