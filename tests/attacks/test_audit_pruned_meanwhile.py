"""Attack: remove evidence while the log is verified, and let it look like housekeeping.

What is pruned by rule while a verification runs is no deletion, wherever the verification is just
then. What somebody removes at the same time is one, and so is what only looks like pruning.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import pytest

from tests.audit.sealed import (
    SealedLog,
    log,
    log_url,
    postgres_schema_url,
    sqlite_log,
    sqlite_template,
)
from zenith.audit import reading
from zenith.audit.reading import StoredLog
from zenith.audit.verification import Leaf, Verification

__all__ = ["log", "log_url", "postgres_schema_url", "sqlite_log", "sqlite_template"]
Work = Callable[[], Awaitable[object]]


class Interrupted(StoredLog):
    """A log to which something happens while it is read."""

    def __init__(self, log: SealedLog, at: int, work: Work) -> None:
        super().__init__(log.first.seals, "main")
        self._at, self._work, self._steps = at, work, 0

    async def _next(self) -> Sequence[Leaf]:
        await self._step()
        return await super()._next()

    async def _step(self) -> None:
        self._steps += 1
        if self._steps == self._at:
            await self._work()


async def kinds(log: SealedLog, at: int, work: Work) -> list[str]:
    report = await Verification(
        Interrupted(log, at, work), "main", keys=log.keys, public=log.keys.public
    ).run()
    return [str(each.kind) for each in report.findings]


@pytest.fixture(params=[1, 2, 64])
def seals(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SEALS", request.param)
    monkeypatch.setattr(reading, "ROWS", 3)


async def pruned(log: SealedLog, seals: int) -> None:
    """Without the first so many seals."""
    gone = await log.retention().prune(before=log.now - 8 + seals)
    assert gone.seals == seals
    log.now += 1


@pytest.mark.usefixtures("seals")
@pytest.mark.parametrize("at", range(1, 9))
async def test_what_is_pruned_meanwhile_is_no_deletion(sqlite_log: SealedLog, at: int) -> None:
    log = sqlite_log
    await log.sealed(*[3] * 8)
    assert await kinds(log, at, lambda: pruned(log, 4)) in ([], ["awaiting seal"])
    assert await log.kinds() == ["awaiting seal"]


async def test_so_it_is_on_every_database(log: SealedLog) -> None:
    await log.sealed(*[3] * 8)
    assert await kinds(log, 1, lambda: pruned(log, 4)) in ([], ["awaiting seal"])


@pytest.mark.usefixtures("seals")
@pytest.mark.parametrize("at", range(1, 9))
async def test_pruned_twice_meanwhile_is_no_deletion_either(sqlite_log: SealedLog, at: int) -> None:
    log = sqlite_log
    await log.sealed(*[3] * 8)

    async def twice() -> None:
        await pruned(log, 2)
        log.now -= 1
        await log.retention().prune(before=log.now - 4)

    assert set(await kinds(log, at, twice)) <= {"awaiting seal"}


async def test_what_is_removed_beside_it_is_found(sqlite_log: SealedLog) -> None:
    log = sqlite_log
    await log.sealed(*[3] * 8)

    async def both() -> None:
        await pruned(log, 4)
        await log.sql("DELETE FROM EVENTS WHERE sequence = 20")

    assert "deleted" in await kinds(log, 1, both)


@pytest.mark.parametrize(
    "forgery",
    [
        "DELETE FROM SEALS WHERE kind = 'pruned'",
        "UPDATE SEALS SET mac = x'00' WHERE kind = 'pruned'",
        "UPDATE SEALS SET key_id = '0000000000000000' WHERE kind = 'pruned'",
        "UPDATE SEALS SET entries = x'00' WHERE kind = 'pruned'",
        "DELETE FROM SEALS WHERE number = 4",
    ],
)
async def test_what_only_looks_like_pruning_is_a_deletion(
    sqlite_log: SealedLog, forgery: str
) -> None:
    log = sqlite_log
    await log.sealed(*[3] * 8)

    async def forged() -> None:
        await pruned(log, 4)
        await log.sql(forgery)

    assert "deleted" in await kinds(log, 1, forged)


async def test_an_old_tombstone_excuses_nothing(sqlite_log: SealedLog) -> None:
    log = sqlite_log
    await log.sealed(*[3] * 8)
    await pruned(log, 2)

    async def remove() -> None:
        await log.sql("DELETE FROM EVENTS WHERE sequence < 16")
        await log.sql("DELETE FROM SEALS WHERE number < 5")

    assert "deleted" in await kinds(log, 1, remove)
