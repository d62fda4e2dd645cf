"""A few connections of a pool, kept for short commands that many requests wait for."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Final, cast

from zenith.stores.redis.client import RedisClient

MOST: Final = 16


def turns(client: RedisClient) -> AbstractAsyncContextManager[None]:
    """For a quarter of the pool: whoever takes turns waits where the driver would refuse at once,
    which looks like a server that is away. Else so many requests at once as the pool has
    connections would end all shared limits. Nodes of a cluster have pools of their own.
    """
    pool = getattr(client, "connection_pool", None)
    return nullcontext() if pool is None else asyncio.Semaphore(max(pool.max_connections // 4, 1))


class Lanes:
    """Asks one server, or a Sentinel's master, by connections that stay out of the pool.

    Taking a connection from the driver's pool, looking whether it still lives, waiting for each
    half of a command under a timeout of its own, and putting it back, costs three times what the
    command itself does. Here a connection is borrowed once, half of the pool's at most, and used
    by one command after the other; who finds none idle goes through the pool, in turns. The pool
    closes them with its own. The caller must bound the wait: `ask` has no timeout of its own.

    Where a connection is lost, all that lie idle are given back closed: they led to the same
    server, which may be another now.
    """

    def __init__(self, client: RedisClient) -> None:
        # Whoever has a client has the driver; nobody else waits for its import.
        from redis.exceptions import ConnectionError as LostError  # noqa: PLC0415
        from redis.exceptions import NoScriptError, ReadOnlyError  # noqa: PLC0415

        self._said: Final = NoScriptError
        self._lost: Final = (LostError, ReadOnlyError)
        self._pool: Final[Any] = cast("Any", client).connection_pool
        self._idle: Final[list[Any]] = []
        self._turns: Final = turns(client)
        self._free = min(MOST, self._pool.max_connections // 2)

    async def ask(self, command: bytes) -> Any:
        """The answer to one packed command. Raises what the driver raises."""
        if self._idle:
            connection = self._idle.pop()
        elif self._free:
            connection = await self._borrow()
        else:
            async with self._turns:
                return await self._ask_pool(command)
        try:
            await connection.send_packed_command(command, check_health=False)
            answer = await connection.read_response()
        except self._said:
            self._idle.append(connection)
            raise
        except self._lost:
            await self._close(connection)
            await self.close_idle()
            raise
        except BaseException:
            await self._close(connection)
            raise
        self._idle.append(connection)
        return answer

    async def close_idle(self) -> None:
        """Give back what lies idle, closed: it may lead to a server that is no more."""
        while self._idle:
            await self._close(self._idle.pop())

    async def _borrow(self) -> Any:
        self._free -= 1
        task = asyncio.current_task()
        before = 0 if task is None else task.cancelling()
        try:
            connection = await self._pool.get_connection()
        except BaseException:
            self._free += 1
            raise
        if task is not None and task.cancelling() > before:
            # Lost by the driver, before Python 3.12; nothing else would end the wait for an answer.
            await self._close(connection)
            raise asyncio.CancelledError
        # Two timers for each command otherwise, and on some versions of Python a task.
        connection.socket_timeout = None
        return connection

    async def _close(self, connection: Any) -> None:
        self._free += 1
        connection.socket_timeout = self._pool.connection_kwargs.get("socket_timeout")
        await connection.disconnect(nowait=True)
        await self._pool.release(connection)

    async def _ask_pool(self, command: bytes) -> Any:
        connection = await self._pool.get_connection()
        try:
            # Either closes the connection where it is interrupted, so that no answer is left over.
            await connection.send_packed_command(command)
            return await connection.read_response()
        finally:
            await self._pool.release(connection)
