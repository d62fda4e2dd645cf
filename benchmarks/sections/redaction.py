"""What a log may keep: text without secrets and control characters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from benchmarks.options import Options
from benchmarks.report import Budget, Row
from benchmarks.timing import interleave, repeat
from zenith.audit.redaction import text

TITLE = "Redaction (CPU time for a text of 200 bytes)"
ROUNDS = 60
LENGTH = 200
CLEAN = (
    "GET /api/v1/items/42 by account 7c9e6679 from 203.0.113.9 answered 200 in 12 ms, 512 bytes "
)
SECRET = "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3YzllNjY3OSJ9.c2lnbmF0dXJlLW9mLWl0 "
BUDGETS = {"clean": 6.0, "with a secret": 15.0}


async def measure(options: Options) -> AsyncIterator[Row]:
    """One that holds nothing to hide, and one that does."""
    texts = {"clean": (CLEAN * 3)[:LENGTH], "with a secret": (SECRET + CLEAN * 2)[:LENGTH]}
    if "eyJ" in text(texts["with a secret"]):
        raise RuntimeError("a secret is kept")
    found = await interleave(
        {name: repeat(partial(text, value)) for name, value in texts.items()},
        rounds=options.rounds(ROUNDS),
    )
    for name, budget in BUDGETS.items():
        yield Row(
            name=f"redact a text, {name}",
            ours=found.of(name),
            budget=Budget(value=budget, of="ours"),
        )
