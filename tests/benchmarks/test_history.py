"""A slower change shows: what was recorded for the last release is held against the new run."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from benchmarks import history
from benchmarks.report import Budget, Row

AT = datetime(2026, 11, 22, tzinfo=UTC)
AT_MOST, AT_LEAST = Budget(value=2), Budget(value=0.5, bound="at least")


def row(ratio, *, budget=AT_MOST, name="a hit", spread=0.0):
    return Row(
        name=name, ours=2.0, peer_name="other", peer=4.0, ratio=ratio, spread=spread, budget=budget
    )


def run(version, *rows):
    return history.entry(rows, version=version, at=AT)


def test_a_release_has_one_line_and_a_second_run_replaces_it(tmp_path):
    file = tmp_path / "history.jsonl"
    assert history.read(file) == []
    for version, ratio in (("1.0", 0.5), ("1.1", 0.6), ("1.0", 0.7)):
        history.record(run(version, row(ratio)), file)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(line["version"], line["rows"][0]["ratio"]) for line in lines] == [
        ("1.0", 0.7),
        ("1.1", 0.6),
    ]
    assert lines[0]["date"] == "2026-11-22"
    assert set(lines[0]) == {"version", "date", "python", "cores", "rows"}


@pytest.mark.parametrize(
    ("before", "now", "budget", "said"),
    [
        (0.5, 0.56, AT_MOST, "12 % slower"),
        (0.5, 0.54, AT_MOST, None),
        (0.5, 0.3, AT_MOST, None),
        (0.9, 0.8, AT_LEAST, "12 % slower"),
        (0.9, 0.85, AT_LEAST, None),
        (0.9, 1.2, AT_LEAST, None),
        (0.00014, 0.0002, AT_MOST, "43 % slower"),
        (0.5, 0.9, None, None),
    ],
)
def test_what_became_more_than_a_tenth_slower_is_said(before, now, budget, said):
    lines = history.slower([row(now, budget=budget)], run("1.0", row(before)))
    assert [said in line for line in lines] == ([True] if said else [])


def test_more_is_worse_where_the_budget_is_of_our_own_figure():
    ours = Budget(value=4, bound="at most", of="ours")
    assert history.slower([row(0.6, budget=ours)], run("1.0", row(0.5)))


def test_what_varies_as_much_within_the_run_is_not_said():
    assert not history.slower([row(0.6, spread=0.2)], run("1.0", row(0.5)))


def test_rows_that_are_new_or_have_no_ratio_are_not_compared():
    last = run("1.0", row(0.5), row(None, name="an event"))
    assert not history.slower([row(9.0, name="new"), row(None, name="an event")], last)


def test_the_version_is_that_of_the_sources():
    assert history.release().count(".") == 2
