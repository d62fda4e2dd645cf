import asyncio
import sqlite3

from zenith.stores.sql.sqlite_connection import Connection


async def test_who_closes_what_the_pool_has_ended_does_not_wait_for_a_thread_that_is_gone(tmp_path):
    """The pool stops the thread of a connection that was lost, and waits for nobody."""
    connection = await Connection(lambda: sqlite3.connect(tmp_path / "a.db"))
    ended = connection.stop()
    async with asyncio.timeout(5):
        assert connection.stop() is ended
        await ended
        await connection.close()


async def test_a_connection_is_stopped_while_it_is_closed(tmp_path):
    connection = await Connection(lambda: sqlite3.connect(tmp_path / "a.db"))
    closing = asyncio.create_task(connection.close())
    await asyncio.sleep(0)
    connection.stop()
    async with asyncio.timeout(5):
        await closing
