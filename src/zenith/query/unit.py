"""Who may use a session, and when: the turns of tasks, and the one session of a request.

Knows nothing of SQLAlchemy: a request has its unit before anybody has loaded what sessions are.

Whoever opens a session is its owner: it is committed when the owner's block ends well, rolled back
when it does not. Tasks that the block starts take turns with it (`Turns`).
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, Final, Protocol

from zenith.kernel.completion import to_its_end

if TYPE_CHECKING:
    from zenith.query.errors import SessionError
    from zenith.query.session import ModelSession

REFUSED: Final = 400
"""The lowest status of an answer that keeps nothing."""


class Opener(Protocol):
    """What a unit has its session from."""

    @property
    def is_new(self) -> bool:
        """Whether something is left to do before the first statement."""
        ...

    async def prepare(self) -> None:
        """Do it."""
        ...

    def make(self, unit: Unit) -> ModelSession:
        """The session of `unit`; its connection is taken with the first statement."""
        ...

    async def end(self, session: ModelSession, *, keep: bool) -> None:
        """Commit it or roll it back, and give its connection back."""
        ...

    def open(self) -> AbstractAsyncContextManager[ModelSession]:
        """A session of its own."""
        ...

    def outlived(self) -> SessionError:
        """What tells a task that its session is over."""
        ...


class Turns(ABC):
    """Lets the tasks of one block use its session one after the other.

    Threat: two tasks that share a session, where one rolls back what the other believes saved. A
    `transaction()` takes the turn of what is around it for as long as it lasts, and gives out
    turns of its own to whatever is started inside.
    """

    # What most requests leave as it is has its value from the class.
    closed: bool = False
    _holder: asyncio.Task[Any] | None = None
    _own_lock: asyncio.Lock | None = None

    @property
    def _lock(self) -> asyncio.Lock:
        if self._own_lock is None:
            self._own_lock = asyncio.Lock()
        return self._own_lock

    @property
    @abstractmethod
    def unit(self) -> Unit:
        """Whose session it is."""

    @asynccontextmanager
    async def take(self) -> AsyncGenerator[ModelSession]:
        """Wait for the turn; raises SessionError once the block has ended."""
        task = asyncio.current_task()
        if self._holder is not None and self._holder is task:
            yield self.unit.session
            return
        if self.unit.sessions.is_new:
            await self.unit.sessions.prepare()
        async with self._lock:
            if self.closed:
                raise self.unit.sessions.outlived()
            self._holder = task
            try:
                yield self.unit.session
            finally:
                self._holder = None

    async def close(self) -> None:
        """End it. A task that still works in it is stopped: what it does could not be kept."""
        self.closed = True
        holder = self._holder
        if holder is not None and holder is asyncio.current_task():
            return
        if holder is not None:
            holder.cancel()
            await to_its_end(self._quiet())

    async def _quiet(self) -> None:
        async with self._lock:
            pass


class Savepoint(Turns):
    """The turns inside of a `transaction()`."""

    def __init__(self, unit: Unit) -> None:
        self._unit: Final = unit

    @property
    def unit(self) -> Unit:
        return self._unit


current: ContextVar[Turns | None] = ContextVar("zenith_session", default=None)


class Unit(Turns):
    """What one request, or one block, reads and writes: one session, made when first used."""

    kept: bool = False
    """Whether it ended well."""
    _session: ModelSession | None = None

    def __init__(self, sessions: Opener) -> None:
        self.sessions: Final = sessions
        self._token: Final[Token[Turns | None]] = current.set(self)

    @property
    def unit(self) -> Unit:
        return self

    @property
    def session(self) -> ModelSession:
        """The session; its connection is taken with the first statement."""
        if self._session is None:
            self._session = self.sessions.make(self)
        return self._session

    def end(self, *, keep: bool) -> Awaitable[None] | None:
        """Commit or roll back, once, and give the connection back; None where there is nothing to
        wait for. Raises SecurityError where the database does not take it.
        """
        if self.closed:
            return None
        if self._session is None:
            self.closed, self.kept = True, keep
            return None
        return self._end(self._session, keep=keep)

    async def _end(self, session: ModelSession, *, keep: bool) -> None:
        try:
            await self.close()
        except BaseException:
            # Nobody asks a second time, and its connection would be held for ever.
            self._session = None
            await to_its_end(self.sessions.end(session, keep=False))
            raise
        self._session = None
        await self.sessions.end(session, keep=keep)
        self.kept = keep

    def leave(self) -> None:
        """Put back what was current before."""
        try:
            current.reset(self._token)
        except ValueError:
            # Another context, such as that of a test's fixture, has nothing to put back.
            return

    def settle(self, status: int | None) -> Awaitable[None] | None:
        """End it as the answer's status says; None for the end of the request."""
        if status is None:
            self.leave()
            return None if self.closed else self.end(keep=False)
        return self.end(keep=status < REFUSED)
