"""The catalogue is complete, and what it says of critical events holds in the code."""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Iterator
from pathlib import Path

from zenith.audit import CATALOGUE
from zenith.audit.catalogue import REQUIREMENTS
from zenith.kernel.events import EventType

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "zenith"
OUTSIDE = {"catalogue.py", "events.py"}
APPLICATIONS = {"DATA_ACCESSED"}
"""What only an application can know."""
EITHER = {"AUDIT_BROKEN", "ACCESS_GRANTED"}
"""Noted by a process that found it beside its other work, while nobody waits for an answer."""


def functions() -> Iterator[tuple[str, str]]:
    """Where each function is, and its source."""
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        lines = source.splitlines()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield (
                    f"{path.name}:{node.name}",
                    "\n".join(lines[node.lineno - 1 : node.end_lineno]),
                )


def test_every_type_has_an_entry_in_the_order_of_its_declaration() -> None:
    assert list(CATALOGUE) == list(EventType)
    meanings = [known.meaning for known in CATALOGUE.values()]
    assert len(set(meanings)) == len(meanings)
    assert {known.topic for known in CATALOGUE.values()} == set(REQUIREMENTS)


def test_requirements_exist() -> None:
    standard = ROOT.parent / "shared" / "standards" / "asvs-5.0.0.csv"
    if not standard.exists():
        return
    with standard.open(encoding="utf-8") as file:
        known = {row["req_id"].removeprefix("V") for row in csv.DictReader(file)}
    assert set(REQUIREMENTS.values()) <= known


def test_what_must_not_wait_is_never_noted() -> None:
    """`note` returns before anything is stored."""
    noted = {}
    for place, source in functions():
        if re.search(r"\.(?:note|_note)\(", source) and ".record(" not in source:
            if not re.search(r"(?:events|sink|log|_log|_events)\.note\(", source):
                continue
            for name in re.findall(r"EventType\.([A-Z_]+)", source):
                noted.setdefault(name, place)
    assert {"TOKEN_ISSUED", "AUDIT_OVERFLOW", "BOT_CAUGHT"} & set(noted)
    wrong = {name: place for name, place in noted.items() if CATALOGUE[EventType(name)].critical}
    assert {name: place for name, place in wrong.items() if name not in EITHER} == {}


def test_every_event_is_recorded_by_somebody() -> None:
    sources = "".join(
        path.read_text(encoding="utf-8")
        for path in PACKAGE.rglob("*.py")
        if path.name not in OUTSIDE
    )
    missing = {kind for kind in EventType if f"EventType.{kind}" not in sources}
    assert missing == APPLICATIONS
