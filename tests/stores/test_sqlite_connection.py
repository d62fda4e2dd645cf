import asyncio
import sqlite3
import threading

import pytest

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


async def test_what_was_opened_for_somebody_who_is_gone_is_closed(tmp_path):
    """It stayed open until somebody forgot it, which Python 3.13 warns of."""
    opened, goes_on = [], threading.Event()

    def connect():
        goes_on.wait(5)
        opened.append(sqlite3.connect(tmp_path / "a.db", check_same_thread=False))
        return opened[0]

    connection = Connection(connect)

    async def wait():
        await connection

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,))
    assert task.cancelled()
    goes_on.set()
    await asyncio.to_thread(connection._thread.join, 5)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].execute("SELECT 1")
