from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from tests.pipeline.asgi import make_exchange
from zenith.kernel.clock import steady_clock
from zenith.pipeline import deadlines
from zenith.pipeline.deadlines import Deadlines


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(deadlines, "INTERVAL", 0.01)


def overdue(seconds=0.0):
    exchange = make_exchange()
    exchange.deadline = steady_clock() + seconds
    return exchange


async def serve(watch, exchange, work):
    """As the middleware does: True where the deadline ended the work."""
    watch.enter(exchange)
    try:
        await work
    except asyncio.CancelledError:
        if not watch.ended(exchange):
            raise
        return True
    finally:
        watch.leave(exchange)
    return False


async def test_overdue_work_is_cancelled_and_its_task_lives_on():
    watch = Deadlines()
    assert await serve(watch, overdue(0.03), asyncio.sleep(60))
    assert asyncio.current_task().cancelling() == 0
    await asyncio.sleep(0)
    assert not await serve(watch, overdue(60), asyncio.sleep(0.03))


async def test_what_has_no_deadline_is_left_alone():
    assert not await serve(Deadlines(), make_exchange(), asyncio.sleep(0.05))


async def test_who_else_cancels_is_obeyed():
    watch = Deadlines()
    task = asyncio.create_task(serve(watch, overdue(60), asyncio.sleep(60)))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_beside_the_deadlines_wins():
    watch, exchange = Deadlines(), overdue(60)
    task = asyncio.create_task(serve(watch, exchange, asyncio.sleep(60)))
    await asyncio.sleep(0)
    exchange.timed_out = True
    task.cancel()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_work_that_will_not_stop_is_told_once():
    watch, told = Deadlines(), 0

    async def stubborn():
        nonlocal told
        for _ in range(6):
            try:
                await asyncio.sleep(0.02)
            except asyncio.CancelledError:
                told += 1

    assert not await serve(watch, overdue(), stubborn())
    assert told == 1
    assert asyncio.current_task().cancelling() == 0


async def test_one_timer_for_all_and_none_when_idle():
    watch = Deadlines()
    exchanges = [overdue(60) for _ in range(100)]
    for exchange in exchanges:
        watch.enter(exchange)
    loop = asyncio.get_running_loop()
    assert list(watch._watched) == [loop]
    for exchange in exchanges:
        watch.leave(exchange)
    await asyncio.sleep(0.05)
    assert not watch._watched
    assert not watch._running


async def test_outside_a_task_nothing_is_watched():
    watch, exchange = Deadlines(), overdue()
    called = asyncio.Event()

    def callback():
        watch.enter(exchange)
        watch.leave(exchange)
        called.set()

    asyncio.get_running_loop().call_soon(callback)
    await called.wait()
    assert not watch._running


def test_every_loop_is_watched_whatever_became_of_the_last():
    watch = Deadlines()
    for _ in range(3):
        assert asyncio.run(serve(watch, overdue(0.02), asyncio.sleep(60)))
    gc.collect()
    assert len(watch._watched) <= 1


def test_loops_in_two_threads():
    watch, results = Deadlines(), []

    def run():
        results.append(
            asyncio.run(asyncio.wait_for(serve(watch, overdue(0.05), asyncio.sleep(60)), 5))
        )

    async def main():
        thread = threading.Thread(target=run)
        first = asyncio.create_task(serve(watch, overdue(0.2), asyncio.sleep(60)))
        await asyncio.sleep(0.02)
        thread.start()
        while not results:
            await asyncio.sleep(0.01)
            # Entering from here in turn keeps both loops the last one seen.
            await serve(watch, overdue(60), asyncio.sleep(0))
        results.append(await first)
        thread.join()

    asyncio.run(main())
    assert results == [True, True]
