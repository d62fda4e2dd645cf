"""Connections that are kept out of the pool: bounded, closed with it, given up when lost."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import NoScriptError, ResponseError

from zenith.stores.redis.lanes import Lanes
from zenith.stores.redis.rate_limits import packed

PING = packed(("PING",))


def client_of(url: str, most: int = 6) -> Redis:
    pool = ConnectionPool.from_url(url, max_connections=most, socket_timeout=7)
    return Redis.from_pool(pool)


def in_use(client: Redis) -> int:
    return sum(
        count
        for count, labels in client.connection_pool.get_connection_count()
        if "used" in str(labels).lower()
    )


async def test_a_connection_serves_one_command_after_the_other(redis_url: str) -> None:
    async with client_of(redis_url) as client:
        lanes = Lanes(client)
        for _ in range(5):
            assert await lanes.ask(PING) == b"PONG"
        assert in_use(client) == 1


async def test_half_of_the_pool_and_the_rest_through_it(redis_url: str) -> None:
    async with client_of(redis_url, 100) as client:
        lanes = Lanes(client)
        answers = await asyncio.gather(*(lanes.ask(PING) for _ in range(60)))
        assert answers == [b"PONG"] * 60
        assert in_use(client) == 16
    async with client_of(redis_url, 1) as client:
        lanes = Lanes(client)
        assert await lanes.ask(PING) == b"PONG"
        assert in_use(client) == 0


async def test_a_script_that_is_not_there_costs_no_connection(redis_url: str) -> None:
    async with client_of(redis_url) as client:
        lanes = Lanes(client)
        with pytest.raises(NoScriptError):
            await lanes.ask(packed(("EVALSHA", "f" * 40, 0)))
        assert in_use(client) == 1
        assert await lanes.ask(PING) == b"PONG"
        with pytest.raises(ResponseError):
            await lanes.ask(packed(("NONSENSE",)))
        assert in_use(client) == 0


async def test_a_lost_connection_gives_up_all_that_lie_idle(redis_url: str) -> None:
    async with client_of(redis_url) as client, Redis.from_url(redis_url) as other:
        lanes = Lanes(client)
        await asyncio.gather(*(lanes.ask(PING) for _ in range(3)))
        assert in_use(client) == 3
        await other.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        with pytest.raises(LostError):
            await lanes.ask(PING)
        assert in_use(client) == 0
        assert await lanes.ask(PING) == b"PONG"


async def test_an_answer_that_nobody_waited_for_is_read_by_nobody(redis_url: str) -> None:
    async with client_of(redis_url) as client:
        lanes = Lanes(client)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await lanes.ask(packed(("BLPOP", "nothing-there", 0)))
        assert in_use(client) == 0
        assert await lanes.ask(PING) == b"PONG"


async def test_given_back_a_connection_waits_as_long_as_the_pools_own(redis_url: str) -> None:
    async with client_of(redis_url, 2) as client:
        lanes = Lanes(client)
        await lanes.ask(PING)
        await lanes.close_idle()
        connection = await client.connection_pool.get_connection()
        assert connection.socket_timeout == 7
        await client.connection_pool.release(connection)


async def test_a_server_that_is_away_leaves_the_place_free() -> None:
    pool = ConnectionPool(host="127.0.0.1", port=1, max_connections=2)
    async with Redis.from_pool(pool) as client:
        lanes = Lanes(client)
        for _ in range(3):
            with pytest.raises(LostError):
                await lanes.ask(PING)


async def test_a_cancellation_that_the_driver_loses_ends_the_wait(redis_url: str) -> None:
    """As `asyncio.wait_for` of Python 3.11 does while a connection is opened."""

    class Loses(ConnectionPool):
        async def get_connection(self, *_: object, **__: object) -> Any:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(5)
            return await super().get_connection()

    async with Redis.from_pool(Loses.from_url(redis_url, max_connections=6)) as client:
        lanes = Lanes(client)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await lanes.ask(packed(("BLPOP", "nothing-there", 0)))
        assert in_use(client) == 0
