from __future__ import annotations

import asyncio

import pytest

from zenith.kernel.shared_reads import SharedReads


class Store:
    """Answers when it is told to; counts how often it was asked."""

    def __init__(self):
        self.asked = 0
        self.answer = asyncio.Event()
        self.fails = False

    async def read(self):
        self.asked += 1
        number = self.asked
        await self.answer.wait()
        if self.fails:
            raise OSError("gone")
        return number


async def asking(reads, store, key="a", generation=0):
    task = asyncio.create_task(reads.of(key, generation, store.read))
    await asyncio.sleep(0.001)
    return task


async def test_all_who_ask_meanwhile_share_one_read():
    reads, store = SharedReads(), Store()
    tasks = [await asking(reads, store) for _ in range(9)]
    store.answer.set()
    assert await asyncio.gather(*tasks) == [1] * 9
    assert await reads.of("a", 0, store.read) == 2


async def test_what_was_asked_for_before_an_end_answers_nobody_after_it():
    reads, store = SharedReads(), Store()
    before, after = await asking(reads, store), await asking(reads, store, generation=1)
    late = await asking(reads, store, generation=1)
    other = await asking(reads, store, key="b")
    store.answer.set()
    assert await asyncio.gather(before, after, late, other) == [1, 2, 2, 3]


async def test_who_is_cancelled_takes_the_answer_from_nobody():
    reads, store = SharedReads(), Store()
    first, second = await asking(reads, store), await asking(reads, store)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    store.answer.set()
    assert (await second, store.asked) == (1, 1)


async def test_failures_reach_all_and_the_next_asks_anew():
    reads, store = SharedReads(), Store()
    tasks = [await asking(reads, store) for _ in range(3)]
    store.fails = True
    store.answer.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in found] == [OSError] * 3
    store.fails = False
    assert await reads.of("a", 0, store.read) == 2


async def test_a_failure_that_nobody_waits_for_is_not_complained_of(caplog):
    reads, store = SharedReads(), Store()
    alone = await asking(reads, store)
    alone.cancel()
    store.fails = True
    store.answer.set()
    await asyncio.sleep(0.01)
    assert caplog.records == []


async def test_a_read_that_is_cancelled_is_forgotten():
    reads, store = SharedReads(), Store()
    waiting = await asking(reads, store)
    [read] = [each for each in asyncio.all_tasks() if "Store.read" in repr(each.get_coro())]
    read.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    store.answer.set()
    assert await reads.of("a", 0, store.read) == 2


def test_reads_of_a_loop_that_is_gone_hold_nobody():
    reads = SharedReads()

    async def hang():
        await asyncio.Event().wait()

    async def ask():
        waiting = asyncio.create_task(reads.of("a", 0, hang))
        await asyncio.sleep(0.001)
        waiting.cancel()

    async def answer():
        return 7

    loop = asyncio.new_event_loop()
    loop.run_until_complete(ask())
    left = asyncio.all_tasks(loop)
    assert asyncio.run(reads.of("a", 0, answer)) == 7
    for task in left:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.close()
