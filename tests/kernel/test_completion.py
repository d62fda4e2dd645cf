"""Work goes on to its end, whoever is cancelled meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from zenith.kernel.completion import to_its_end


async def _slow(seen: list[str], *, fails: bool = False) -> str:
    for _ in range(5):
        await asyncio.sleep(0)
    seen.append("done")
    if fails:
        raise ValueError("it failed")
    return "answer"


async def test_the_answer_and_the_error_of_the_work_come_back() -> None:
    assert await to_its_end(_slow([])) == "answer"
    with pytest.raises(ValueError, match="it failed"):
        await to_its_end(_slow([], fails=True))


@pytest.mark.parametrize("fails", [False, True])
async def test_who_is_cancelled_learns_of_it_when_the_work_is_done(fails: bool) -> None:
    """Also where the work failed: a cancellation that an error replaces would be lost."""
    seen: list[str] = []
    task = asyncio.create_task(to_its_end(_slow(seen, fails=fails)))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    assert seen == []
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert seen == ["done"]
    assert isinstance(caught.value.__cause__ or caught.value.__context__, ValueError) is fails


async def test_work_within_work_is_done_by_one_task() -> None:
    """But a task that the work starts may be cancelled, and is a caller like any other."""
    tasks: list[object] = []
    seen: list[str] = []

    async def note() -> None:
        tasks.append(asyncio.current_task())

    async def outer() -> None:
        await note()
        await to_its_end(note())
        inner = asyncio.create_task(to_its_end(_slow(seen)))
        await asyncio.sleep(0)
        inner.cancel()
        with pytest.raises(asyncio.CancelledError):
            await inner

    await to_its_end(outer())
    assert tasks[0] is tasks[1]
    assert tasks[0] is not asyncio.current_task()
    assert seen == ["done"]


async def test_work_that_is_cancelled_itself_is_no_answer() -> None:
    inner: list[asyncio.Task[object]] = []

    async def work() -> None:
        task = asyncio.current_task()
        assert task is not None
        inner.append(task)
        await asyncio.sleep(5)

    task = asyncio.create_task(to_its_end(work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    inner[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
