from __future__ import annotations

import asyncio

from zenith.kernel.background import end


async def test_a_task_is_cancelled_and_waited_for():
    task = asyncio.create_task(asyncio.sleep(60))
    await end(task)
    assert task.cancelled()
    await end(task)


async def test_a_lost_cancellation_is_sent_again():
    """As of drivers that wait by `asyncio.wait_for` of Python 3.11."""
    lost = []

    async def work():
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                lost.append(1)
                if len(lost) == 3:
                    raise

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await asyncio.wait_for(end(task, patience=0.01), 5)
    assert len(lost) == 3


async def test_what_it_ends_with_is_nobody_s_business():
    async def fail():
        raise ValueError

    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    await end(task)
    assert task.done()
