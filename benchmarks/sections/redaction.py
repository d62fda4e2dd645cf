"""What a log may keep: text without secrets and control characters."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from functools import partial

from benchmarks.options import Options
from benchmarks.report import Budget, Row
from benchmarks.timing import interleave, repeat
from zenith.audit.redaction import text
from zenith.kernel.log_redaction import RedactionFilter

TITLE = "Redaction (CPU time for a text of 200 bytes)"
ROUNDS = 60
LENGTH = 200
CLEAN = (
    "GET /api/v1/items/42 by account 7c9e6679 from 203.0.113.9 answered 200 in 12 ms, 512 bytes "
)
SECRET = "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3YzllNjY3OSJ9.c2lnbmF0dXJlLW9mLWl0 "
RECORD = logging.makeLogRecord({})
FILTER = RedactionFilter()
BUDGETS = {"clean": 6.0, "with a secret": 15.0}


async def measure(options: Options) -> AsyncIterator[Row]:
    """One that holds nothing to hide, and one that does."""
    texts = {"clean": (CLEAN * 3)[:LENGTH], "with a secret": (SECRET + CLEAN * 2)[:LENGTH]}
    if "eyJ" in text(texts["with a secret"]):
        raise RuntimeError("a secret is kept")
    measured = {
        f"redact a {what}, {name}": repeat(partial(function, value))
        for what, function in (("text", text), ("log record", filtered))
        for name, value in texts.items()
    }
    found = await interleave(measured, rounds=options.rounds(ROUNDS))
    for what in ("text", "log record"):
        for kind, budget in BUDGETS.items():
            name = f"redact a {what}, {kind}"
            yield Row(name=name, ours=found.of(name), budget=Budget(value=budget, of="ours"))


def filtered(value: str) -> None:
    """What a handler's filter does to one record."""
    RECORD.msg = value
    FILTER.filter(RECORD)
