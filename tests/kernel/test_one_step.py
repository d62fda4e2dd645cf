"""A step: participants are committed or undone together."""

from __future__ import annotations

import asyncio

import pytest

from zenith.kernel.one_step import after_step, current_step, one_step


class Part:
    """Notes what happens to it."""

    def __init__(self, seen: list[str], name: str = "part", *, fails: bool = False) -> None:
        self.seen, self.name, self.fails = seen, name, fails

    async def commit(self) -> None:
        if self.fails:
            raise RuntimeError("the disk is full")
        self.seen.append(f"{self.name} committed")

    async def rollback(self) -> None:
        self.seen.append(f"{self.name} undone")


def join(part: Part) -> None:
    step = current_step()
    assert step is not None
    step.join(part.name, part)
    assert step.part(part.name) is part


async def test_a_block_that_ends_is_committed_and_what_waits_is_done() -> None:
    seen: list[str] = []

    async def after() -> None:
        seen.append("after")

    async with one_step():
        join(Part(seen))
        await after_step(after)
        assert seen == []
    assert seen == ["part committed", "after"]
    assert current_step() is None


async def test_without_a_step_nothing_waits() -> None:
    seen: list[str] = []

    async def after() -> None:
        seen.append("after")

    await after_step(after)
    assert seen == ["after"]


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
async def test_an_exception_undoes_the_block(error: type[BaseException]) -> None:
    seen: list[str] = []

    async def after() -> None:
        seen.append("after")

    async def work() -> None:
        async with one_step():
            join(Part(seen))
            await after_step(after)
            raise error

    with pytest.raises(error):
        await work()
    assert seen == ["part undone"]
    assert current_step() is None


async def test_what_cannot_be_committed_undoes_what_is_not_yet() -> None:
    seen: list[str] = []

    async def work() -> None:
        async with one_step():
            join(Part(seen, "first"))
            join(Part(seen, "second", fails=True))
            join(Part(seen, "third"))

    with pytest.raises(RuntimeError, match="full"):
        await work()
    assert seen == ["first committed", "second undone", "third undone"]


async def test_a_block_within_is_part_of_the_one_around_it() -> None:
    seen: list[str] = []
    async with one_step():
        outer = current_step()
        async with one_step():
            assert current_step() is outer
            join(Part(seen))
        assert seen == []
    assert seen == ["part committed"]


async def test_other_tasks_are_not_in_it() -> None:
    found: list[object] = []

    async def look() -> None:
        found.append(current_step())

    async with one_step():
        await asyncio.create_task(look())
        assert current_step() is not None
    assert found == [None]


async def test_a_step_that_is_over_takes_nobody() -> None:
    step = None

    async def after() -> None:
        assert step is not None
        assert not step.is_mine
        assert current_step() is None

    async with one_step():
        step = current_step()
        await after_step(after)


async def test_each_is_undone_also_where_another_cannot_be() -> None:
    """What it holds, others wait for: on SQLite the one lock of all writers."""
    seen: list[str] = []

    class Stuck(Part):
        async def rollback(self) -> None:
            raise RuntimeError("the server has gone")

    async def change() -> None:
        async with one_step():
            join(Stuck(seen, "first"))
            join(Part(seen, "second"))
            raise ValueError

    with pytest.raises(RuntimeError, match="gone"):
        await change()
    assert seen == ["second undone"]


async def test_a_cancelled_caller_does_not_end_a_commit_half_way() -> None:
    seen: list[str] = []

    class Slow(Part):
        async def commit(self) -> None:
            await asyncio.sleep(0)
            await super().commit()

    async def after() -> None:
        seen.append("after")

    async def change() -> None:
        async with one_step():
            join(Slow(seen))
            await after_step(after)
            task = asyncio.current_task()
            assert task is not None
            asyncio.get_running_loop().call_soon(task.cancel)

    task = asyncio.create_task(change())
    await asyncio.wait((task,))
    assert task.cancelled()
    assert seen == ["part committed", "after"]
