"""PostgreSQL: what is lost and found again, what is refused, and that nothing secret shows."""

from __future__ import annotations

import asyncio
import logging
import sys
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from tests.services import Service
from tests.stores.racer import account
from zenith.abuse import Standing
from zenith.accounts import Account
from zenith.authentication.store import Revocation
from zenith.kernel.errors import BadRequestError, ConfigurationError, ServiceUnavailableError
from zenith.kernel.keys import Secret
from zenith.kernel.one_step import one_step
from zenith.stores.settings import DatabaseSettings
from zenith.stores.sql import (
    Database,
    SqlAccountStore,
    SqlAttemptStore,
    SqlRevocationStore,
    SqlSessionStore,
    upgrade,
)
from zenith.stores.sql.postgres_engine import dsn_of


def settings(url: str, **values: Any) -> DatabaseSettings:
    return DatabaseSettings(url=Secret(url), **values)


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(ConfigurationError, match=r"zenith-security\[postgres\]"):
        Database("postgresql://localhost/x")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql+asyncpg://u:p@h:1/d", "postgresql://u:p@h:1/d"),
        ("postgres://h/d?ssl=verify-full", "postgresql://h/d?sslmode=verify-full"),
        ("postgresql://h/d?a=1&ssl=require", "postgresql://h/d?a=1&sslmode=require"),
        (
            "postgresql://h1,h2/d?sslmode=verify-full&sslrootcert=/ca",
            "postgresql://h1,h2/d?sslmode=verify-full&sslrootcert=/ca",
        ),
    ],
)
def test_urls_reach_the_driver_with_their_parameters(url: str, expected: str) -> None:
    assert dsn_of(settings(url)) == expected


async def test_tls_that_is_asked_for_is_insisted_on(postgres_url: str) -> None:
    # The server of the tests speaks none.
    async with Database(f"{postgres_url}?sslmode=verify-full") as database:
        with pytest.raises(ServiceUnavailableError):
            await database.ping()


async def test_a_server_that_is_not_there_is_unavailable(
    free_port: Callable[[], int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = f"postgresql://user:hunter2@127.0.0.1:{free_port()}/x"
    async with Database(url) as database:
        with pytest.raises(ServiceUnavailableError) as caught:
            await database.ping()
    shown = "".join(traceback.format_exception(caught.value)) + repr(database) + caplog.text
    assert "hunter2" not in shown + caught.value.reason
    assert int(caught.value.headers["Retry-After"]) >= 1


async def test_a_wrong_password_is_unavailable(postgres_url: str) -> None:
    head, _, tail = postgres_url.rpartition("@")
    async with Database(f"{head}x@{tail}") as database:
        with pytest.raises(ServiceUnavailableError, match="unavailable"):
            await database.ping()


async def test_it_recovers_from_a_restart_by_itself(
    private_service: Callable[[str], Service],
) -> None:
    service = private_service("postgres")
    async with Database(settings(service.url, connect_timeout=2.0)) as database:
        await upgrade(database)
        accounts = SqlAccountStore(database)
        await accounts.create(account("a", "a@example.org", "user"))
        # Several connections in the pool, all of which die.
        await asyncio.gather(*(accounts.by_id("id-a") for _ in range(10)))
        await database.count(text("CHECKPOINT"))  # the server of the tests commits to memory
        await asyncio.to_thread(service.kill)
        results = await asyncio.gather(
            *(accounts.by_id("id-a") for _ in range(10)), return_exceptions=True
        )
        assert {type(result) for result in results} == {ServiceUnavailableError}
        await asyncio.to_thread(service.revive)
        results = await asyncio.gather(*(accounts.by_id("id-a") for _ in range(10)))
        assert all(result is not None for result in results)


async def test_a_step_that_lost_its_server_halfway_keeps_nothing(
    private_service: Callable[[str], Service],
) -> None:
    """Also one that goes on when the server is back: what it wrote before has gone."""
    service = private_service("postgres")
    one = settings(service.url, connect_timeout=2.0, pool_size=1, pool_overflow=0)
    async with Database(one) as database:
        await database.count(text("CREATE TABLE numbers (n integer PRIMARY KEY)"))
        await database.count(text("CHECKPOINT"))
        refused: list[str] = []

        async def step() -> None:
            async with one_step():
                for n in range(3):
                    try:
                        await database.count(text("INSERT INTO numbers VALUES (:n)"), {"n": n})
                    except ServiceUnavailableError as error:
                        refused.append(error.reason)
                    if n == 0:
                        await asyncio.to_thread(service.kill)
                        await asyncio.to_thread(service.revive)

        with pytest.raises(ServiceUnavailableError):
            await step()
        assert refused[1:] == ["database: PendingRollbackError"]
        assert await database.plain("SELECT n FROM numbers") == []
        await database.write("INSERT INTO numbers VALUES (?)", 7)


async def test_a_restart_that_nobody_saw_costs_no_request(
    private_service: Callable[[str], Service],
) -> None:
    service = private_service("postgres")
    async with Database(service.url) as database:
        await asyncio.gather(*(database.ping() for _ in range(5)))
        await asyncio.to_thread(service.kill)
        await asyncio.to_thread(service.revive)
        await asyncio.gather(*(database.ping() for _ in range(10)))


async def test_a_silent_death_is_found_before_use(
    private_service: Callable[[str], Service],
) -> None:
    service = private_service("postgres")
    patient = settings(service.url, rest=0.05, connect_timeout=0.3, statement_timeout=5.0)
    async with Database(patient) as database:
        await database.ping()
        await asyncio.sleep(0.1)
        await database.ping()  # it rested and is alive
        await asyncio.sleep(0.1)
        service.pause()  # with the process that serves the connection
        began = asyncio.get_running_loop().time()
        with pytest.raises(ServiceUnavailableError):
            await database.ping()
        assert asyncio.get_running_loop().time() - began < 3.0
        service.resume()
        await database.ping()


async def test_a_statement_that_takes_too_long_is_ended(postgres_url: str) -> None:
    async with Database(settings(postgres_url, statement_timeout=0.2)) as database:
        with pytest.raises(ServiceUnavailableError, match="unavailable") as caught:
            await database.rows(text("SELECT pg_sleep(5)"))
        assert "57014" in caught.value.reason
        await database.ping()


async def test_a_full_pool_is_unavailable(postgres_url: str) -> None:
    small = settings(postgres_url, pool_size=1, pool_overflow=0, pool_timeout=0.1)
    async with Database(small) as database:
        async with database.transaction() as connection:
            await connection.execute(select(1))
            with pytest.raises(ServiceUnavailableError):
                await database.ping()
        await database.ping()


async def test_connections_bear_a_name_and_bounds(postgres_url: str) -> None:
    async with Database(postgres_url) as database:
        rows = await database.rows(
            text("SELECT current_setting('application_name'), current_setting('statement_timeout')")
        )
        assert tuple(rows[0]) == ("zenith", "10s")


async def test_a_stricter_default_of_the_server_leaves_the_last_administrator(
    upgraded_postgres_url: str,
) -> None:
    """Under REPEATABLE READ each of two that wait for the lock still sees the other in office."""
    name = make_url(upgraded_postgres_url).database
    async with Database(upgraded_postgres_url) as database:
        await database.count(
            text(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'repeatable read'")
        )
    async with Database(upgraded_postgres_url) as database:
        shown = await database.rows(text("SHOW default_transaction_isolation"))
        assert tuple(shown[0]) == ("read committed",)
        accounts = SqlAccountStore(database)
        for turn in range(5):
            pair = [f"{turn}{name}" for name in "ab"]
            for each in pair:
                root = Account(id=each, email=each, email_key=each, roles=("root",), created_at=1.0)
                assert await accounts.create(root)
            outcomes = await asyncio.gather(
                *(accounts.delete(each, keep_one="root") for each in pair)
            )
            assert sorted(outcomes) == ["deleted", "kept"]
            survivor = pair[outcomes.index("kept")]
            assert await accounts.delete(survivor, keep_one=None) == "deleted"


async def test_the_same_keys_in_any_order_never_lock_each_other_out(
    upgraded_postgres_url: str,
) -> None:
    keys = [Revocation(kind="session", key=f"s{n:04}", at=1.0, until=2.0) for n in range(500)]
    async with Database(settings(upgraded_postgres_url, pool_timeout=60.0)) as database:
        store = SqlRevocationStore(database)
        for _ in range(3):
            await asyncio.gather(*(store.add(keys[:: 1 if n % 2 else -1]) for n in range(8)))


async def test_what_is_settled_now_is_not_waited_for_to_be_pruned(
    upgraded_postgres_url: str,
) -> None:
    async with Database(upgraded_postgres_url) as database:
        store = SqlAttemptStore(database)
        rows = {name: Standing(1, expires_at=1.0) for name in "ab"}
        await store.settle(tuple(rows), lambda _: (None, rows))
        async with database.transaction() as connection:
            await connection.execute(
                text("UPDATE zenith_attempts SET failures = 2 WHERE key = 'a'")
            )
            assert await asyncio.wait_for(store.prune(now=2.0), 5.0) == 1
        assert await store.prune(now=2.0) == 1


async def test_keys_sort_by_their_bytes_whatever_the_locale(upgraded_postgres_url: str) -> None:
    async with Database(upgraded_postgres_url) as database:
        row = await database.first(
            text(
                "SELECT collation_name FROM information_schema.columns "
                "WHERE table_name = 'zenith_accounts' AND column_name = 'email_key'"
            )
        )
        assert row is not None
        assert row[0] == "C"


@pytest.mark.parametrize("value", ["a\x00b", "a\ud800b"])
async def test_text_that_cannot_be_stored_is_a_bad_request(
    upgraded_postgres_url: str, value: str
) -> None:
    async with Database(upgraded_postgres_url) as database:
        accounts = SqlAccountStore(database)
        with pytest.raises(BadRequestError):
            await accounts.by_email(value)
        with pytest.raises(BadRequestError):
            await accounts.page(after=None, limit=10, search=value)
        with pytest.raises(BadRequestError):
            await accounts.create(account("x", value))
        with pytest.raises(BadRequestError):
            await SqlSessionStore(database).find(value, now=1.0)
        await database.ping()
