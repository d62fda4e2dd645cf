"""A step: what several stores write in it is there as a whole, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from typing import Any, Final, Protocol

from zenith.kernel.completion import to_its_end

_current: Final[ContextVar[Step | None]] = ContextVar("zenith_step", default=None)


class Participant(Protocol):
    """What one database holds of a step."""

    async def commit(self) -> None:
        """Make it last."""
        ...

    async def rollback(self) -> None:
        """Undo it."""
        ...


class Step:
    """What takes part in a step. Stores join it by themselves; flows only say where it begins."""

    def __init__(self) -> None:
        self._task: Final = asyncio.current_task()
        self._participants: Final[dict[object, Any]] = {}
        self._afterwards: Final[list[Callable[[], Awaitable[object]]]] = []
        self._is_open = True

    @property
    def is_mine(self) -> bool:
        """Whether the running task is in this step: tasks that it started inherit its context, but
        neither share its transaction nor wait for it.
        """
        return self._is_open and self._task is asyncio.current_task()

    def part(self, of: object) -> Any:
        """The participant for `of`; None if there is none yet."""
        return self._participants.get(of)

    def join(self, of: object, participant: Participant) -> None:
        """Take part: `participant` is committed or rolled back with the step."""
        self._participants[of] = participant

    def afterwards(self, work: Callable[[], Awaitable[object]]) -> None:
        """Await `work()` once the step is committed; drop it if the step is undone."""
        self._afterwards.append(work)

    async def finish(self) -> None:
        """Commit, or undo what cannot be committed and raise why."""
        self._is_open = False
        waiting = list(self._participants.values())
        try:
            while waiting:
                await waiting[0].commit()
                del waiting[0]
        except BaseException:
            await _undo(waiting)
            raise
        for work in self._afterwards:
            await work()

    async def undo(self) -> None:
        """Undo everything."""
        self._is_open = False
        await _undo(list(self._participants.values()))


async def _undo(participants: list[Participant]) -> None:
    """Each of them, also where another fails: what it holds, others wait for."""
    async with AsyncExitStack() as held:
        for participant in reversed(participants):
            held.push_async_callback(participant.rollback)


def current_step() -> Step | None:
    """The step that the running task is in."""
    step = _current.get()
    return step if step is not None and step.is_mine else None


@asynccontextmanager
async def one_step() -> AsyncGenerator[None]:
    """Everything that is written in the block lasts once the block is left, or nothing does.

    Threat: a change without a record of it, or a record of a change that never was (ASVS 16.3.3),
    because a process died, a disk was full or a network was gone between the two. All stores of one
    database join: the first statement that writes begins a transaction, and leaving the block ends
    it; an exception undoes it. What several databases hold is not bound together by this. A block
    within a block is part of it.

    Keep the block short: it holds locks, on SQLite the one of all writers. No slow work, no mail,
    and no waiting for another task that writes: it would wait for this one.
    """
    if current_step() is not None:
        yield
        return
    step = Step()
    token = _current.set(step)
    try:
        yield
    except BaseException:
        await to_its_end(step.undo())
        raise
    else:
        # Who is cancelled in the middle of a commit could not say whether it is kept, and what was
        # to follow it would be forgotten.
        await to_its_end(step.finish())
    finally:
        _current.reset(token)


async def after_step(work: Callable[[], Awaitable[object]]) -> None:
    """Await `work()` now, or once the step that the caller is in was committed."""
    step = current_step()
    if step is None:
        await work()
    else:
        step.afterwards(work)
