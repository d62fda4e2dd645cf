"""One policy, three uses: a decision on an object, a query and a mask say the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests.policies import random_policies
from tests.policies.articles import Article, Rows
from zenith.policies import PolicyError
from zenith.policies.mask import Mask
from zenith.policies.policy import Policy
from zenith.policies.where import where

BATCH = 20


@pytest.fixture(params=["sqlite", "postgresql"])
def rows(request: pytest.FixtureRequest) -> Iterator[Rows]:
    postgresql = request.param == "postgresql"
    filled = Rows(request.getfixturevalue("postgres_url") if postgresql else "sqlite+aiosqlite://")
    yield filled
    filled.close()


def check(rows: Rows, seed: int) -> Counter[str]:
    """Whether all agree on some random policies."""
    random = Random(seed)
    asked: list[tuple[Policy, Any, set[int], Any]] = []
    counted: Counter[str] = Counter()
    for _ in range(BATCH):
        policy, subject = random_policies.policy(random), random_policies.subject(random)
        context = {"place": random.choice(random_policies.VALUES)}
        allowed = {row.id for row in rows.all if policy.evaluate(subject, row, "read", context)}
        mask = Mask(policy.rules, policy.combine, "read").apply(subject, rows.all, "read", context)
        shown = {row.id for row, fields in zip(rows.all, mask, strict=True) if fields}
        assert shown <= allowed, (policy.rules, subject, context)
        try:
            condition = where(policy, subject, "read", Article, context)
        except PolicyError as error:
            counted["refused"] += "rule `rule" in error.problem
            continue
        asked.append((policy, (subject, context), allowed, condition))
        counted["some" if 0 < len(allowed) < len(rows.all) else "all or none"] += 1
    for (policy, facts, allowed, _), found in zip(
        asked, rows.each([condition for *_, condition in asked]), strict=True
    ):
        if found != allowed:
            note(f"{policy.combine} {policy.rules} {facts}")
            note(f"{[vars(row) for row in rows.all if row.id in found ^ allowed][:1]}")
        assert found == allowed
    return counted


def test_decisions_queries_and_masks_agree(rows: Rows) -> None:
    counted: Counter[str] = Counter()

    @given(seed=st.integers(0, 1 << 64))
    @settings(max_examples=8)
    def agree(seed: int) -> None:
        counted.update(check(rows, seed))

    agree()
    assert counted["some"] > counted["all or none"] / 2, counted
    assert counted["refused"] < counted["some"] / 2, counted
