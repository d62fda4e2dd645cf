"""The page of figures and its plots: whole, well-formed, and telling what they show in words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from benchmarks import figures, history, names, report
from benchmarks.plot import Axes, Group, Panel, bars, lines
from benchmarks.report import Budget, Row, Section

SVG = "{http://www.w3.org/2000/svg}"


def beside(name, peer, ours=80.0, theirs=8.0, budget=None):
    return Row(
        name=name, ours=ours, peer_name=peer, peer=theirs, ratio=ours / theirs, budget=budget
    )


def sections():
    whole = [
        beside(names.kept(kind), "bare FastAPI", budget=Budget(value=0.5, bound="at least"))
        for kind in (names.SEEN, names.UNSEEN, names.CHANGE)
    ]
    frameworks = [
        beside(names.kept_of(kind, bare), peer)
        for kind in (names.SEEN, names.UNSEEN, names.CHANGE)
        for bare, peer in (("FastAPI", names.ASSEMBLED), ("Litestar", names.LITESTAR))
    ]
    frameworks += [
        beside(names.kept_of(kind, "Django"), names.DJANGO) for kind in (names.COOKIE, names.CHANGE)
    ]
    limits = [
        beside(names.hit(count), peer) for count in names.LIMITS for peer in ("limits", "PING")
    ]
    policies = [
        beside(names.by_attribute(count), peer, 3.0, 3.0 * count)
        for count in names.RULES
        for peer in ("vakt", "cedarpy", "casbin")
    ]
    return [
        Section(title="Whole requests", rows=whole),
        Section(title="Frameworks", rows=frameworks),
        Section(title="Limits", rows=limits),
        Section(title="Policies", rows=policies),
        Section(title="Left out"),
    ]


@pytest.fixture
def docs(monkeypatch, tmp_path):
    folder = tmp_path / "docs"
    for name in ("images", "explanation"):
        (folder / name).mkdir(parents=True)
    monkeypatch.setattr(figures, "DOCS", folder)
    monkeypatch.setattr(figures, "FOLDER", tmp_path / "benchmarks")
    return folder


def run_of(given):
    rows = [row for section in given for row in section.rows]
    return history.entry(rows, version="1.2.3", at=datetime(2026, 11, 22, tzinfo=UTC))


def test_a_run_writes_the_page_and_every_plot(docs):
    run = run_of(sections())
    assert figures.write(sections(), run, [run]) == ["written: docs/explanation/figures.md"]
    page = (docs / "explanation" / "figures.md").read_text()
    assert "Zenith 1.2.3, 2026-11-22; " in page
    assert page.count("\n## ") == 4
    for name in ("frameworks", "rate-limits", "policies", "history"):
        assert f"](../images/bench-{name}.svg)" in page
        root = ET.fromstring((docs / "images" / f"bench-{name}.svg").read_text())  # noqa: S314
        title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
        assert title.text
        assert description.text
        assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
        assert "prefers-color-scheme: dark" in root.find(f"{SVG}style").text


def test_a_plot_without_its_rows_is_left_out_and_said(docs):
    given = [section for section in sections() if section.title != "Policies"]
    said = figures.write(given, run_of(given), [])
    assert [line.partition(" (")[0] for line in said[:-1]] == [
        "not drawn: policies",
        "not drawn: history",
    ]
    page = (docs / "explanation" / "figures.md").read_text()
    assert "bench-policies.svg" not in page


def test_rows_without_a_budget_have_no_verdict(capsys):
    table = report.Table()
    table.section("Some")
    table.add(beside("a", "x"))
    table.add(beside("b", "x", budget=Budget(value=1)))
    table.add(beside("c", "x", budget=Budget(value=11)))
    assert [row.as_json()["met"] for row in table.rows] == [None, False, True]
    assert table.rows[0].as_json()["budget"] is None
    assert set(table.rows[0].as_json()) == {"name", "ours", "peer", "ratio", "budget", "met"}
    table.summary(1)
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in shown[-4:-2]] == ["MISSED", "met"]
    assert shown[-1] == "1 of 2 budgets met, 1 s"


def test_small_ratios_keep_the_digits_that_count():
    assert beside("a", "x", 0.0012345, 10.0).as_json()["ratio"] == pytest.approx(0.00012345)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (0.0000087, "0.0000087"),
        (0.00014, "0.00014"),
        (0.25, "0.25"),
        (12.34, "12.3"),
        (999.9, "1000"),
        (12345.6, "12,346"),
    ],
)
def test_numbers_are_shown_with_what_counts(value, shown):
    assert report.number(value) == shown


def test_results_are_a_list_for_programs(monkeypatch, tmp_path):
    monkeypatch.setattr(report, "LATEST", tmp_path / "results" / "latest.json")
    report.write([beside("a", "x")])
    assert json.loads(report.LATEST.read_text())[0]["name"] == "a (µs; peer: x)"


def test_bars_are_as_long_as_their_values():
    groups = [Group(label="one", values={"Zenith": 10.0, "<peer>": 5.0})]
    root = ET.fromstring(bars("T", "D", [Panel(title="p", unit="µs", groups=groups)]))  # noqa: S314
    widths = [float(each.get("width")) for each in root.iter(f"{SVG}rect")][1:]
    assert widths == [300.0, 150.0]
    assert "<peer> 5 µs" in [each.text for each in root.iter(f"{SVG}text")]


def test_lines_skip_gaps_and_keep_their_labels_apart():
    axes = Axes(places=["1", "2", "3"], below="release", unit="%")
    values = {"a": [50.0, None, 90.0], "b": [None, None, 89.0]}
    root = ET.fromstring(lines("T", "D", axes, values))  # noqa: S314
    assert [path.get("d").count("L") for path in root.findall(f"{SVG}path[@d]")][-2:] == [1, 0]
    places = [
        float(each.get("y"))
        for each in root.iter(f"{SVG}text")
        if each.text in ("a 90 %", "b 89 %")
    ]
    assert abs(places[0] - places[1]) >= 17
