"""The pages on policies: their tables are those of the code, their files load."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from tests.docs.pages import ROOT, Page
from zenith.policies import Policy, PolicyError, read_policies
from zenith.policies.operators import OPERATORS
from zenith.policies.reading import RULE_KEYS

REFERENCE = Page(ROOT / "docs" / "reference" / "policies.md")
HOW_TO = Page(ROOT / "docs" / "how-to" / "write-policies.md")


def first_cells(header: str) -> list[str]:
    (table,) = [part for part in REFERENCE.text.split("\n\n") if part.startswith(header)]
    return re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)


def test_every_operator_and_key_is_in_its_table():
    assert first_cells("| operator |") == list(OPERATORS)
    assert set(first_cells("| key |")) == RULE_KEYS


def test_every_call_is_in_its_table():
    calls = {cell.split("(")[0].split(".")[-1] for cell in first_cells("| call |")}
    assert calls == {name for name in vars(Policy) if not name.startswith("_")} - {
        "name",
        "rules",
        "combine",
    }


def test_the_file_of_the_how_to_loads_and_decides():
    (block,) = HOW_TO.blocks("yaml")
    (policy,) = read_policies(block.text, "yaml")
    worker = {"roles": ["accountant"], "teams": ["a"]}
    office = {"address": "10.1.2.3", "now": datetime(2026, 11, 23, 9, tzinfo=UTC)}
    invoice = {"team": "b", "amount": 5000, "date": date(2026, 5, 1)}
    assert policy.evaluate(worker, invoice, "pay", office)
    assert not policy.evaluate(worker, {**invoice, "date": date(2025, 5, 1)}, "pay", office)
    assert not policy.evaluate(worker, invoice, "pay", {**office, "address": "192.0.2.1"})
    night = {**office, "now": datetime(2026, 11, 23, 23, tzinfo=UTC)}
    assert not policy.evaluate(worker, invoice, "pay", night)
    assert not policy.evaluate(worker, invoice, "read", night)
    assert policy.evaluate(worker, {**invoice, "team": "a", "amount": 10}, "read", night)


def test_its_mistake_is_reported_as_the_page_says():
    (block,) = HOW_TO.blocks("yaml")
    (message,) = HOW_TO.blocks("text")
    wrong = block.text.replace("operator: contains", "operator: contain")
    with pytest.raises(PolicyError) as raised:
        read_policies(wrong, "yaml", source="policies/invoices.yaml")
    assert str(raised.value).startswith(message.text.removesuffix("...\n"))
