"""The attacker sends one request many times in the same instant, to every process at once: a reset
link twice, a refresh token forty times, two forms that both want to be the first administrator. A
store that reads before it writes lets more than one of them win.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stores.racer import RACES, account
from zenith.accounts.store import Account
from zenith.sessions.store import SessionRecord
from zenith.stores.memory import (
    MemoryAccountStore,
    MemoryOneTimeStore,
    MemoryRefreshStore,
    MemorySessionStore,
)
from zenith.stores.sql import (
    Database,
    SqlAccountStore,
    SqlOneTimeStore,
    SqlRefreshStore,
    SqlSessionStore,
)
from zenith.tokens.store import RefreshFamily

ROOT = Path(__file__).resolve().parents[2]
CALLERS = 24
PROCESSES = 2
FAMILY = RefreshFamily(
    id="f", account_id="a", handle="handle", current="t0", created_at=1000.0, expires_at=9000.0
)
SESSION = SessionRecord(
    id="s",
    account_id="a",
    kind="browser",
    digest="d0",
    created_at=1000.0,
    last_seen_at=1000.0,
    idle_expires_at=5000.0,
    expires_at=9000.0,
)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path / 'races.db'}"


@pytest.fixture
async def database(upgraded_url: str) -> AsyncIterator[Database]:
    async with Database(upgraded_url) as database:
        yield database


class Racers:
    """Processes that wait for a race, started once: it takes them longer than all the races."""

    def __init__(self) -> None:
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.stores.racer"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"},
            )
            for _ in range(PROCESSES)
        ]

    async def run(self, url: str, race: str, *, callers: int = CALLERS) -> list[Any]:
        """What all callers of all processes got."""
        answers = await asyncio.to_thread(self._tell, json.dumps([url, race, callers]))
        assert answers == ["ready\n"] * PROCESSES
        answers = await asyncio.to_thread(self._tell, "go")
        return [result for answer in answers for result in json.loads(answer)]

    def _tell(self, text: str) -> list[str]:
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(f"{text}\n")
            process.stdin.flush()
        return [process.stdout.readline() for process in self._processes if process.stdout]

    def stop(self) -> None:
        for process in self._processes:
            process.communicate()


@pytest.fixture(scope="module")
def racers() -> Iterator[Racers]:
    racers = Racers()
    yield racers
    racers.stop()


async def test_of_many_processes_one_consumes_a_link(
    upgraded_url: str, database: Database, racers: Racers
) -> None:
    await SqlOneTimeStore(database).put(
        "digest", purpose="race", subject="ada", now=0.0, expires_at=100.0
    )
    results = await racers.run(upgraded_url, "consume")
    assert Counter(results) == {"ada": 1, None: PROCESSES * CALLERS - 1}


async def test_of_many_processes_one_rotates_a_token(
    upgraded_url: str, database: Database, racers: Racers
) -> None:
    await SqlRefreshStore(database).start(FAMILY)
    results = await racers.run(upgraded_url, "rotate")
    assert Counter(results) == {"rotated": 1, "replayed": PROCESSES * CALLERS - 1}


async def test_of_many_processes_one_makes_the_first_administrator(
    upgraded_url: str, database: Database, racers: Racers
) -> None:
    results = await racers.run(upgraded_url, "create_first")
    assert Counter(results) == {True: 1, False: PROCESSES * CALLERS - 1}
    assert len(await SqlAccountStore(database).page(after=None, limit=100)) == 1


async def test_of_many_processes_one_registers_an_email(
    upgraded_url: str, database: Database, racers: Racers
) -> None:
    results = await racers.run(upgraded_url, "create")
    assert Counter(results) == {True: 1, False: PROCESSES * CALLERS - 1}
    assert len(await SqlAccountStore(database).page(after=None, limit=100)) == 1


async def test_of_many_processes_one_changes_a_password(
    upgraded_url: str, database: Database, racers: Racers
) -> None:
    ada = Account(id="id-ada", email="a", email_key="a", password_hash="old", created_at=1.0)
    await SqlAccountStore(database).create(ada)
    results = await racers.run(upgraded_url, "change_password")
    assert Counter(results) == {True: 1, False: PROCESSES * CALLERS - 1}


async def test_one_administrator_stays_when_all_resign(
    upgraded_url: str, database: Database, racers: Racers
) -> None:
    accounts = SqlAccountStore(database)
    for number in range(CALLERS):
        await accounts.create(account(str(number), f"{number}@example.org", "admin"))
    await racers.run(upgraded_url, "resign")
    everybody = await accounts.page(after=None, limit=100)
    assert sum("admin" in each.roles for each in everybody) == 1


async def test_of_many_processes_one_migrates(empty_url: str, racers: Racers) -> None:
    results = await racers.run(empty_url, "migrate", callers=2)
    assert sorted(results, key=len)[:-1] == [[]] * (2 * PROCESSES - 1)
    assert max(results, key=len)[0] == "0001"


# The same within one process, where the memory stores can lose too -------------------------------


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def place_url(request: pytest.FixtureRequest) -> str:
    if request.param == "memory":
        return ""
    place = "postgres" if request.param == "postgresql" else "sqlite"
    url: str = request.getfixturevalue(f"upgraded_{place}_url")
    return url


@pytest.fixture
async def place(place_url: str) -> AsyncIterator[Database | None]:
    if not place_url:
        yield None
        return
    async with Database(place_url) as database:
        yield database


async def test_one_caller_consumes_a_link(place: Database | None) -> None:
    store = MemoryOneTimeStore() if place is None else SqlOneTimeStore(place)
    await store.put("digest", purpose="race", subject="ada", now=0.0, expires_at=100.0)
    results = await asyncio.gather(
        *(store.consume("digest", purpose="race", now=5.0) for _ in range(CALLERS))
    )
    assert Counter(results) == {"ada": 1, None: CALLERS - 1}


async def test_one_caller_rotates_a_token_and_a_late_copy_ends_all(
    place: Database | None,
) -> None:
    store = MemoryRefreshStore() if place is None else SqlRefreshStore(place)
    await store.start(FAMILY)

    async def outcome(now: float) -> str:
        rotation = await store.rotate(
            handle="handle", presented="t0", successor="t1", now=now, grace=10.0
        )
        return rotation.outcome

    results = await asyncio.gather(*(outcome(1100.0) for _ in range(CALLERS)))
    assert Counter(results) == {"rotated": 1, "replayed": CALLERS - 1}
    results = await asyncio.gather(*(outcome(1200.0) for _ in range(CALLERS)))
    assert Counter(results) == {"reused": 1, "revoked": CALLERS - 1}


async def test_one_caller_rotates_a_session(place: Database | None) -> None:
    store = MemorySessionStore() if place is None else SqlSessionStore(place)
    await store.create(SESSION)
    results = await asyncio.gather(
        *(store.rotate("d0", f"d-{n}", now=1100.0, factors={}) for n in range(CALLERS))
    )
    winners = [record for record in results if record is not None]
    assert len(winners) == 1
    assert await store.find(winners[0].digest or "", now=1100.0) == winners[0]


async def test_a_session_that_ends_is_not_touched_back_to_life(place: Database | None) -> None:
    store = MemorySessionStore() if place is None else SqlSessionStore(place)
    await store.create(SESSION)
    await asyncio.gather(
        store.end_all("a"),
        *(store.touch("s", now=1100.0, idle_expires_at=5100.0) for _ in range(CALLERS)),
        store.rotate("d0", "d1", now=1100.0, factors={}),
    )
    assert await store.get("s", now=1100.0) is None
    assert await store.find("d0", now=1100.0) is None
    assert await store.find("d1", now=1100.0) is None


async def test_one_open_administrator_stays_when_all_are_locked(place: Database | None) -> None:
    store = MemoryAccountStore() if place is None else SqlAccountStore(place)
    for number in range(CALLERS):
        await store.create(account(str(number), f"{number}@example.org", "admin"))
    results = await asyncio.gather(
        *(store.set_locked(f"id-{n}", 5.0, keep_one="admin") for n in range(0, CALLERS, 2)),
        *(store.set_roles(f"id-{n}", [], keep_one="admin") for n in range(1, CALLERS, 2)),
    )
    everybody = await store.page(after=None, limit=100)
    assert sum(each.is_active and "admin" in each.roles for each in everybody) == 1
    assert Counter(map(bool, [result in ("changed", True) for result in results]))[False] == 1


def test_every_race_is_run() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert all(f'"{name}"' in source for name in RACES)
