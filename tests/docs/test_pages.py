"""What the documentation shows works: its code runs, its JSON parses, its links lead somewhere."""

from __future__ import annotations

import json
import logging
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.docs.pages import ROOT, Page, pages
from zenith import SecurityMiddleware, Zenith

LANGUAGES = {"python", "sh", "console", "json", "html", "ini", "js", "text", "yaml", "{toctree}"}
PAGES = pages()
WITH_CODE = [page for page in PAGES if page.blocks("python")]


def name_of(page: Page) -> str:
    return page.name


@pytest.fixture
def _own_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("ZENITH_PASSWORDS__PROFILE", "testing")
    monkeypatch.setenv("ZENITH_ACCOUNTS__REGISTER_SECONDS", "0")
    monkeypatch.chdir(tmp_path)


def write_files(page: Page) -> None:
    """The files that blocks of YAML name in their first line: `# policy.yaml`, `..., continued`."""
    for block in page.blocks("yaml"):
        named = re.match(r"# ([\w.-]+\.yaml)(, continued)?\n", block.text)
        if named is not None:
            with Path(named[1]).open("a" if named[2] else "w", encoding="utf-8") as file:
                file.write(block.text)


def run(page: Page, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """The names that the page's code leaves behind; its blocks are one module."""
    write_files(page)
    module = ModuleType("documented")
    monkeypatch.setitem(sys.modules, "documented", module)
    for block in page.blocks("python"):
        lines = "\n" * (block.line - 1) + block.text
        exec(compile(lines, page.name, "exec"), vars(module))  # noqa: S102  # our own pages
    return vars(module)


@pytest.mark.usefixtures("_own_folder")
@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_python_blocks_run_and_their_applications_would_start(page, monkeypatch, caplog):
    """No route is left undeclared, no mark without its guard."""
    found = run(page, monkeypatch)
    with caplog.at_level(logging.WARNING, logger="zenith"):
        for value in [*found.values()]:
            stack = value.build_middleware_stack() if isinstance(value, Zenith) else value
            if isinstance(stack, SecurityMiddleware):
                stack.prepare()
    assert "declare no access" not in caplog.text


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_says_what_it_is(page):
    """A misspelled language would be a block that nothing runs."""
    assert {block.language for block in page.blocks()} <= LANGUAGES
    assert page.text.count("```") == 2 * len(page.blocks())


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_json_blocks_parse(page):
    for block in page.blocks("json"):
        json.loads(block.text)


def anchors(page: Page) -> set[str]:
    """The names of a page's headings, as GitHub and Sphinx write them."""
    headings = re.findall(r"^#{1,6} (.+)$", page.prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_resolve(page):
    for link in page.links():
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        target, _, anchor = link.partition("#")
        path = (page.path.parent / target).resolve() if target else page.path
        assert path.exists(), link
        assert path.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(Page(path)), link


def test_every_page_of_the_documentation_can_be_reached():
    """The index lists all; README leads to the ones that people need first."""
    assert "glob" in (ROOT / "docs" / "index.md").read_text()
    linked = set(Page(ROOT / "README.md").links())
    assert {"docs/tutorial/first-application.md", "docs/reference/settings.md"} <= linked
