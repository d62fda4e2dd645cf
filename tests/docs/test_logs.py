"""The inventory of logs says what is so, and leaves out no requirement of ASVS V16."""

from __future__ import annotations

import csv
import re

from tests.docs.pages import ROOT
from zenith.kernel.events import EventType
from zenith.stores.sql.schema import metadata

PAGE = (ROOT / "docs" / "reference" / "logs.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (16\.\d\.\d) \| (.+) \| (.+) \|$", re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")
STANDARD = ROOT.parent / "shared" / "standards" / "asvs-5.0.0.csv"
LAST = {"16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 4}
"""How many requirements each section has."""


def test_each_requirement_has_its_row_and_its_tests() -> None:
    wanted = [f"{part}.{number}" for part, last in LAST.items() for number in range(1, last + 1)]
    if STANDARD.exists():
        with STANDARD.open(encoding="utf-8") as file:
            found = [row["req_id"] for row in csv.DictReader(file)]
        assert [f"V{each}" for each in wanted] == [each for each in found if "V16." in each]
    rows = ROW.findall(PAGE)
    assert [number for number, _, _ in rows] == wanted
    for _, _, shown in rows:
        paths = CODE.findall(shown)
        assert paths
        assert [path for path in paths if not (ROOT / path).is_file()] == []


def test_the_events_tables_and_settings_that_it_names_exist() -> None:
    names = set(CODE.findall(PAGE))
    events = {name for name in names if re.fullmatch(r"[A-Z]+_[A-Z_]+", name)} - {"ZENITH_HOME"}
    assert events <= set(EventType)
    tables = {name for name in names if name.startswith("zenith_")}
    assert tables <= {table.name for table in metadata.sorted_tables}
    settings = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    named = {name for name in names if name.startswith(("audit.", "headers."))} - {"audit.jsonl"}
    assert {name for name in named if f"`{name}" not in settings} == set()
