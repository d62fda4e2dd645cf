"""What starts first and stops last."""

from __future__ import annotations

import asyncio
import logging

import pytest

from zenith.authentication import RevocationList
from zenith.kernel.errors import ConfigurationError, ServiceUnavailableError
from zenith.passwords import PasswordHasher, PasswordPolicy, PasswordSettings
from zenith.stores import foundation
from zenith.stores.foundation import Foundation
from zenith.stores.sql import Database, SqlRevocationStore, is_current


class Redis:
    closed = 0

    async def aclose(self):
        self.closed += 1


@pytest.fixture
def made(tmp_path):
    def make(*, migrate=True, prune=(), redis=None, channel=None):
        database = Database(f"sqlite:///{tmp_path / 'z.db'}")
        return Foundation(
            database=database,
            redis=redis,
            revocations=RevocationList(SqlRevocationStore(database), channel=channel),
            hasher=PasswordHasher(PasswordSettings(profile="testing", workers=1)),
            policy=PasswordPolicy.nist(),
            migrate=migrate,
            prune=prune,
        )

    return make


async def test_it_brings_the_schema_and_closes_what_it_opened(made):
    redis = Redis()
    base = made(redis=redis)
    await base.startup()
    assert await is_current(base._database)
    assert await base._hasher.pool.run(lambda: 42) == 42
    await base.shutdown()
    assert redis.closed == 1
    with pytest.raises(ServiceUnavailableError):
        await base._hasher.hash("x")


async def test_it_starts_again_after_a_stop(made):
    base = made()
    for _ in range(2):
        await base.startup()
        assert await base._hasher.verify("x", None) is not None
        await base.shutdown()


async def test_without_leave_to_migrate_an_old_schema_refuses_the_start(made):
    redis = Redis()
    base = made(migrate=False, redis=redis)
    with pytest.raises(ConfigurationError, match="schema is not the one") as caught:
        await base.startup()
    assert "zenith db upgrade" in caught.value.fix
    assert redis.closed == 1
    migrating = made()
    await migrating.startup()
    await migrating.shutdown()
    again = made(migrate=False)
    await again.startup()
    await again.shutdown()


async def test_a_stop_before_the_start_does_no_harm(made):
    await made().shutdown()


async def test_expired_rows_are_removed_again_and_again(made, monkeypatch, caplog):
    monkeypatch.setattr(foundation, "PAUSE", 0.001)
    calls = []
    enough = asyncio.Event()

    async def prune():
        calls.append(1)
        if len(calls) == 1:
            raise ServiceUnavailableError(reason="database: gone")
        if len(calls) == 2:
            raise OSError
        enough.set()
        return 0

    base = made(prune=[prune])
    with caplog.at_level(logging.WARNING, "zenith"):
        await base.startup()
        await asyncio.wait_for(enough.wait(), 5)
        await base.shutdown()
    assert "database: gone" in caplog.text
    assert "OSError" in caplog.text


async def test_a_fault_in_the_tidying_does_not_stop_the_stop(made, monkeypatch):
    monkeypatch.setattr(foundation, "PAUSE", 0.001)

    async def broken():
        raise RuntimeError

    base = made(prune=[broken])
    await base.startup()
    await asyncio.sleep(0.05)
    await base.shutdown()


async def test_a_clock_that_is_wrong_is_told_at_the_start_and_later(made, monkeypatch, caplog):
    monkeypatch.setattr(foundation, "PAUSE", 0.001)
    enough = asyncio.Event()
    skews = []

    async def measure(_):
        skews.append(60.0)
        if len(skews) > 2:
            enough.set()
        return skews[-1]

    base = made()
    monkeypatch.setattr(base._clock, "_measure", measure)
    with caplog.at_level(logging.WARNING, "zenith"):
        await base.startup()
        assert "60 seconds ahead of the database's" in caplog.text
        await asyncio.wait_for(enough.wait(), 5)
        await base.shutdown()
