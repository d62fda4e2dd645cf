"""Rows as events, and what is shown of rows that are none."""

from __future__ import annotations

import json
from math import inf, nan
from typing import Any

import pytest

from tests.audit.fakes import event
from zenith.audit.document import document_of
from zenith.audit.json_lines import line_of
from zenith.audit.stored import UNREADABLE, event_of
from zenith.kernel.events import Event, EventType

NAMES = tuple(Event.__dataclass_fields__)


def row(**fields: Any) -> dict[str, Any]:
    whole = event(subject="ada", details={"count": 1}, event_id="a" * 32)
    values = {name: getattr(whole, name) for name in NAMES}
    values |= {"type": str(whole.type), "details": json.dumps(whole.details), "sequence": 7}
    return values | fields


def test_a_row_of_ours_is_its_event() -> None:
    found = event_of(row())
    assert found == event(subject="ada", details={"count": 1})
    assert found.event_id == "a" * 32
    assert event_of(row(event_id=None)).event_id == ""


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "MADE_LATER"},
        {"type": b"LOGIN_SUCCESS"},
        {"type": None},
        {"outcome": "fine"},
        {"severity": "LOW"},
        {"at": "soon"},
        {"at": None},
        {"at": nan},
        {"at": inf},
        {"at": -1.0},
        {"at": 1e300},
        {"details": "{"},
        {"details": "[]"},
        {"details": "[" * 100_000},
        {"details": None},
        {"details": b"\xff"},
        {"subject": b"\x00"},
        {"target": 5},
        {"scheme": None},
        {"reason": 1.5},
        {"reason": "A\udcff"},
        {"event_id": 5},
    ],
)
def test_what_is_no_event_is_shown_for_what_it_is(fields: dict[str, Any]) -> None:
    found = event_of(row(**fields))
    assert (found.type, found.outcome, found.reason) == (
        EventType.UNHANDLED_ERROR,
        "error",
        UNREADABLE,
    )
    ((name, value),) = fields.items()
    assert found.details[name] in {str(value)[:512], "A\\udcff"} or name == "details"
    assert found.details["sequence"] == "7"
    assert json.loads(line_of(found))["at"] == document_of(found)["at"]
    assert len(line_of(found)) < 32_768
