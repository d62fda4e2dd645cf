"""Sessions: one for each request that queries, or one of code's own; and the hooks of all of them.

See `zenith.query.unit` for who owns a session, and when it is whose turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import ORMExecuteState, SessionTransaction, UOWTransaction
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from zenith.query.errors import SessionError, client_error, errors_translated
from zenith.query.statements import OnStatement, forget, watch
from zenith.query.unit import Savepoint, Unit, current

BULK: Final = "hand the rows over: session.exec(insert(Model), params=rows), or update(Model)"
OPEN: Final = "open a session: `async with sessions.open(): ...`"
OWN: Final = (
    "wait for it before the block ends, or open one of its own: `async with open_session()`"
)
_COMMANDS: Final = (
    *("exec", "execute", "scalar", "scalars", "get", "get_one", "stream", "stream_scalars"),
    *("refresh", "flush", "merge", "delete", "commit", "rollback", "run_sync"),
)
T = TypeVar("T")


class HookedSession(Session):
    """The synchronous heart of every session: what hooks listen to."""

    def _unseen(self, *arguments: Any, **options: Any) -> None:
        """Threat: rows that are written past every hook (ASVS 8.4.1)."""
        del arguments, options
        raise SessionError("SQLAlchemy's old bulk methods pass no hook", fix=BULK)

    bulk_save_objects = bulk_insert_mappings = bulk_update_mappings = _unseen


# Hooks -------------------------------------------------------------------------------------------

OnExecute = Callable[[ORMExecuteState], Any]
OnFlush = Callable[[Session, UOWTransaction, Any], None]
OnBegin = Callable[[Session, SessionTransaction, Connection], None]
OnUse = Callable[[Session], None]
E = TypeVar("E", bound=OnExecute)
F = TypeVar("F", bound=OnFlush)
B = TypeVar("B", bound=OnBegin)
U = TypeVar("U", bound=OnUse)
_uses: Final[list[OnUse]] = []


def on_execute(hook: E) -> E:
    """Call `hook` before every statement of every session: SELECT, UPDATE and DELETE of models,
    those that load relations and refresh rows, and raw SQL. It may change `state.statement`, or
    raise to refuse it. Rows that a flush inserts, changes or deletes pass `on_flush` instead.
    """
    event.listen(HookedSession, "do_orm_execute", hook)
    return hook


def on_flush(hook: F) -> F:
    """Call `hook(session, context, instances)` before rows are written: `session.new`,
    `session.dirty` and `session.deleted` hold them. It may change them, or raise to refuse.
    """
    event.listen(HookedSession, "before_flush", hook)
    return hook


def on_begin(hook: B) -> B:
    """Call `hook(session, transaction, connection)` when a transaction or savepoint gets its
    connection, before its first statement.
    """
    event.listen(HookedSession, "after_begin", hook)
    return hook


def on_use(hook: U) -> U:
    """Call `hook(session)` before every command of every session, those that may be answered from
    memory included. It may raise to refuse, and does not query.
    """
    _uses.append(hook)
    return hook


def unhook(hook: OnExecute | OnFlush | OnBegin | OnUse | OnStatement) -> None:
    """Remove what one of these, or `on_statement`, has added."""
    if forget(hook):
        return
    if hook in _uses:
        _uses[:] = [each for each in _uses if each is not hook]
        return
    for name in ("do_orm_execute", "before_flush", "after_begin"):
        if event.contains(HookedSession, name, hook):
            event.remove(HookedSession, name, hook)


# Sessions ----------------------------------------------------------------------------------------


class ModelSession(AsyncSession):
    """SQLModel's session, whose commands take turns.

    `exec` also takes the parameters of a `text()` in second place.
    """

    sync_session_class = HookedSession
    _unit: Unit

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None]:
        turns = current.get()
        if turns is None or turns.unit is not self._unit:
            turns = self._unit
        async with turns.take():
            for hook in _uses:
                hook(self.sync_session)
            with errors_translated():
                yield


def _in_turn(name: str) -> Callable[..., Any]:
    command: Callable[..., Any] = getattr(AsyncSession, name)

    async def call(self: ModelSession, *arguments: Any, **options: Any) -> Any:
        async with self._turn():  # pyright: ignore[reportPrivateUsage]
            return await command(self, *arguments, **options)

    async def call_exec(
        self: ModelSession, statement: Any, params: Any = None, **options: Any
    ) -> Any:
        return await call(self, statement, params=params, **options)

    return call_exec if name == "exec" else call


for _name in _COMMANDS:
    setattr(ModelSession, _name, _in_turn(_name))


class Sessions:
    """Opens sessions on one engine. Nothing is connected before the first statement."""

    def __init__(
        self, engine: AsyncEngine, *, prepare: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self.engine: Final = engine
        self.is_new = prepare is not None
        """Whether something is left to do before the first statement."""
        self._preparation: Final = prepare
        self._preparing: Final = asyncio.Lock()
        event.listen(engine.sync_engine, "handle_error", client_error)
        watch(engine)

    async def prepare(self) -> None:
        """Do it; once, however many come at the same time."""
        async with self._preparing:
            if self.is_new and self._preparation is not None:
                await self._preparation()
            self.is_new = False

    def make(self, unit: Unit) -> ModelSession:
        """The session of `unit`; its connection is taken with the first statement."""
        session = ModelSession(self.engine, expire_on_commit=False)
        session._unit = unit  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        return session

    async def end(self, session: ModelSession, *, keep: bool) -> None:
        """Commit it or roll it back, and give its connection back."""
        # Closes in a task of its own, which a cancelled request does not stop halfway.
        async with session:
            if keep:
                if session.new and self.is_new:
                    await self.prepare()
                with errors_translated():
                    await AsyncSession.commit(session)

    def outlived(self) -> SessionError:
        """What tells a task that its session is over."""
        return SessionError("a task outlived the session that it uses", fix=OWN)

    def begin(self) -> Unit:
        """The session of a request, current from now on; whoever begins it calls `end`, then
        `leave`.
        """
        return Unit(self)

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[ModelSession]:
        """A session of its own, current inside the block: committed when the block ends well,
        rolled back when it raises.
        """
        unit = Unit(self)
        try:
            yield unit.session
        except BaseException:
            await (unit.end(keep=False) or _nothing())
            raise
        else:
            await (unit.end(keep=True) or _nothing())
        finally:
            unit.leave()

    async def session(self) -> AsyncIterator[ModelSession]:
        """`open` as a dependency, for applications without the pipeline:
        `FastAPI(dependencies=[Depends(sessions.session, scope="function")])`.
        """
        async with self.open() as session:
            yield session


async def _nothing() -> None:
    return None


def current_session() -> ModelSession:
    """The session of the running request or block; raises SessionError where there is none."""
    turns = current.get()
    if turns is None:
        raise SessionError("there is no session here", fix=OPEN)
    if turns.closed:
        raise SessionError("the session is over", fix=OWN)
    return turns.unit.session


@asynccontextmanager
async def open_session() -> AsyncGenerator[ModelSession]:
    """A session of its own on the database of the running request or block, committed and rolled
    back on its own: for tasks that outlive a request, and for what must be kept if it fails.
    """
    turns = current.get()
    if turns is None:
        raise SessionError("it is not known which database is meant", fix=OPEN)
    async with turns.unit.sessions.open() as session:
        yield session


@asynccontextmanager
async def operation() -> AsyncGenerator[ModelSession]:
    """The session for one statement of a query, while it is this task's turn.

    Once the request has been answered well (background tasks, streams), and in sockets, each
    statement is its own transaction. What was started by a request that failed does nothing more.
    """
    turns = current.get()
    if turns is None:
        raise SessionError("there is no session here", fix=OPEN)
    unit = turns.unit
    if unit.kept and turns is unit:
        async with unit.sessions.open() as session:
            yield session
        return
    async with turns.take() as session:
        yield session


@asynccontextmanager
async def transaction() -> AsyncGenerator[ModelSession]:
    """All of the block or none of it, inside what is already under way (a SAVEPOINT).

    It is kept for good when the request or block around it is. Nests. Other tasks of the request
    wait until it ends; those that are started inside belong to it.
    """
    async with operation() as session:
        turns = Savepoint(session._unit)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        token = current.set(turns)
        try:
            async with session.begin_nested():
                try:
                    yield session
                finally:
                    await turns.close()
        finally:
            current.reset(token)
