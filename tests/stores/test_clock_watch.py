"""Attack: act on with a credential that was revoked on a machine whose clock is wrong."""

from __future__ import annotations

import logging
import time

import pytest

from zenith.stores.sql import Database
from zenith.stores.sql.clock_watch import WORRYING, ClockWatch, clock_skew


async def test_sqlite_has_the_clock_of_the_machine(tmp_path):
    async with Database(f"sqlite:///{tmp_path / 'z.db'}") as database:
        assert await clock_skew(database, clock=lambda: 0.0) == 0.0


@pytest.mark.parametrize("ahead", [0.0, 40.0, -40.0])
async def test_a_clock_is_compared_with_that_of_the_database(postgres_url, ahead):
    async with Database(postgres_url) as database:
        skew = await clock_skew(database, clock=lambda: time.time() + ahead)
    assert skew == pytest.approx(ahead, abs=1.0)


@pytest.mark.parametrize(
    ("skew", "told"),
    [
        (WORRYING, ""),
        (-WORRYING, ""),
        (40.0, "40 seconds ahead of the database's"),
        (-40.0, "40 seconds behind the database's"),
    ],
)
async def test_the_operator_is_told_of_a_clock_that_is_wrong(tmp_path, caplog, skew, told):
    async def measure(_):
        return skew

    async with Database(f"sqlite:///{tmp_path / 'z.db'}") as database:
        with caplog.at_level(logging.WARNING, "zenith"):
            assert await ClockWatch(database, measure=measure).look() == 0
    assert told in caplog.text
    assert bool(caplog.text) == bool(told)
