"""Sessions: who commits, who rolls back, and how tasks share one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from tests.query.models import Note
from zenith.kernel.errors import BadRequestError, ConflictError, ServiceUnavailableError
from zenith.query import (
    SessionError,
    current_session,
    on_begin,
    on_execute,
    on_flush,
    open_session,
    operation,
    transaction,
    unhook,
)
from zenith.stores.settings import DatabaseSettings
from zenith.stores.sql.model_database import ModelDatabase


async def _add(content: str) -> None:
    async with operation() as session:
        session.add(Note(text=content))
        await session.flush()


async def _texts(models: ModelDatabase) -> list[str]:
    async with models.open() as session:
        return sorted((await session.exec(select(Note.text))).all())


async def test_a_block_that_ends_well_is_kept(models: ModelDatabase) -> None:
    async with models.open():
        await _add("kept")
    assert await _texts(models) == ["kept"]


async def test_a_block_that_fails_leaves_nothing(models: ModelDatabase) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the block is what fails
        async with models.open():
            await _add("lost")
            raise ZeroDivisionError
    assert await _texts(models) == []


async def test_a_transaction_is_a_savepoint(models: ModelDatabase) -> None:
    async with models.open():
        await _add("outer")
        async with transaction():
            await _add("first")
            with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the block is what fails
                async with transaction():
                    await _add("inner")
                    raise ZeroDivisionError
            await _add("second")
    assert await _texts(models) == ["first", "outer", "second"]


async def test_a_session_of_its_own_survives_the_failure_around_it(models: ModelDatabase) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the block is what fails
        async with models.open():
            async with open_session():
                await _add("attempt")
            await _add("lost")
            raise ZeroDivisionError
    assert await _texts(models) == ["attempt"]


async def test_tasks_take_turns(models: ModelDatabase) -> None:
    async with models.open():
        await asyncio.gather(*(_add(f"{number:02}") for number in range(20)))
    assert len(await _texts(models)) == 20


async def test_a_transaction_is_not_entered_by_tasks_outside(models: ModelDatabase) -> None:
    """What another task writes meanwhile must not be lost with the savepoint."""
    async with models.open():
        entered = asyncio.Event()

        async def doomed() -> None:
            async with transaction():
                await _add("doomed")
                entered.set()
                for _ in range(5):
                    await asyncio.sleep(0)
                raise ZeroDivisionError

        task = asyncio.create_task(doomed())
        await entered.wait()
        await _add("beside")
        with pytest.raises(ZeroDivisionError):
            await task
    assert await _texts(models) == ["beside"]


async def test_tasks_started_inside_a_transaction_belong_to_it(models: ModelDatabase) -> None:
    async with models.open():
        with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the block is what fails
            async with transaction():
                await asyncio.gather(_add("one"), _add("two"))
                raise ZeroDivisionError
    assert await _texts(models) == []


async def test_the_raw_session_takes_turns_too(models: ModelDatabase) -> None:
    async with models.open() as session:
        found = await asyncio.gather(
            *(session.exec(text("SELECT :n"), {"n": f"{number}"}) for number in range(10))
        )
    assert [result.scalar() for result in found] == [f"{number}" for number in range(10)]


async def test_a_task_that_outlives_a_failed_block_does_nothing(models: ModelDatabase) -> None:
    gate = asyncio.Event()

    async def late() -> None:
        await gate.wait()
        await _add("late")

    with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the block is what fails
        async with models.open():
            await _add("first")
            task = asyncio.create_task(late())
            raise ZeroDivisionError
    gate.set()
    with pytest.raises(SessionError, match="outlived"):
        await task
    assert await _texts(models) == []


async def test_a_task_that_outlives_a_kept_block_is_on_its_own(models: ModelDatabase) -> None:
    gate = asyncio.Event()

    async def late() -> None:
        await gate.wait()
        await _add("late")

    async with models.open():
        await _add("first")
        task = asyncio.create_task(late())
    gate.set()
    await task
    assert await _texts(models) == ["first", "late"]


@pytest.mark.parametrize("pauses", range(4))
async def test_who_is_cancelled_while_he_ends_a_block_gives_its_connection_back(
    models: ModelDatabase, pauses: int
) -> None:
    """A request that ended while another task used its session, and was cancelled just then, left
    a transaction open, on SQLite with the lock of all writers.
    """
    written = asyncio.Event()

    async def slow() -> None:
        async with transaction():
            await _add("lost")
            written.set()
            try:
                await asyncio.sleep(5)
            finally:
                for _ in range(3):
                    await asyncio.sleep(0)

    async def request() -> None:
        async with models.open():
            await _add("lost, too")
            inside.append(asyncio.create_task(slow()))
            await written.wait()

    inside: list[asyncio.Task[None]] = []
    task = asyncio.create_task(request())
    await written.wait()
    for _ in range(pauses):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task, *inside))
    assert task.cancelled()
    pool: Any = models.engine.sync_engine.pool
    assert pool.checkedout() == 0
    async with asyncio.timeout(5), models.open():
        await _add("kept")
    assert await _texts(models) == ["kept"]


async def test_a_task_still_in_a_transaction_at_the_end_is_stopped(models: ModelDatabase) -> None:
    async with models.open():
        entered = asyncio.Event()

        async def endless() -> None:
            async with transaction():
                await _add("never")
                entered.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(endless())
        await entered.wait()
    assert task.cancelled() or task.cancelling()
    await asyncio.gather(task, return_exceptions=True)
    assert await _texts(models) == []


async def test_nothing_is_opened_before_the_first_statement(sqlite_models: ModelDatabase) -> None:
    async with sqlite_models.open():
        assert sqlite_models.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


async def test_without_a_session_the_error_says_what_to_do() -> None:
    with pytest.raises(SessionError, match="fix: open a session"):
        current_session()
    with pytest.raises(SessionError, match="fix: open a session"):
        await _add("nowhere")
    with pytest.raises(SessionError, match="which database"):
        async with open_session():
            pass


async def test_the_current_session_ends_with_its_block(models: ModelDatabase) -> None:
    async with models.open() as session:
        assert current_session() is session
        task = asyncio.create_task(asyncio.sleep(0, None))
        await task

        async def late() -> None:
            await asyncio.sleep(0)
            current_session()

        pending = asyncio.create_task(late())
    with pytest.raises(SessionError, match="over"):
        await pending


async def test_every_statement_passes_the_hooks(models: ModelDatabase) -> None:
    """What tenants rely on: no statement of a session goes past them."""
    seen: list[Any] = []

    def execute(state: Any) -> None:
        seen.append(type(state.statement).__name__)

    def flush(session: Any, context: Any, instances: Any) -> None:
        del context, instances
        seen.extend(type(each).__name__ for each in (*session.new, *session.deleted))

    def begin(session: Any, transaction: Any, connection: Any) -> None:
        del session, transaction
        seen.append(connection.dialect.name)

    on_execute(execute)
    on_flush(flush)
    on_begin(begin)
    try:
        async with models.open() as session:
            note = Note(text="seen")
            session.add(note)
            await session.flush()
            await session.exec(text("SELECT 1"))
            await session.exec(select(Note))
            await session.refresh(note)
            await session.delete(note)
    finally:
        for hook in (execute, flush, begin):
            unhook(hook)
    assert seen[:2] == ["Note", models.dialect]
    assert seen[2:] == ["TextClause", "SelectOfScalar", "Select", "Note"]
    async with models.open() as session:
        await session.exec(text("SELECT 1"))
    assert len(seen) == 6


async def test_a_taken_value_is_a_conflict(models: ModelDatabase) -> None:
    async with models.open():
        await _add("same")
    with pytest.raises(ConflictError):
        async with models.open():
            await _add("same")


async def test_a_value_that_no_column_takes_is_the_callers_mistake(models: ModelDatabase) -> None:
    with pytest.raises(BadRequestError):
        async with models.open() as session:
            await session.exec(select(Note).where(Note.text == "\ud800"))


async def test_a_mistake_in_a_statement_stays_what_it_is(models: ModelDatabase) -> None:
    with pytest.raises(Exception, match="nowhere"):
        async with models.open() as session:
            await session.exec(text("SELECT * FROM nowhere"))


async def test_a_database_that_is_away_is_503() -> None:
    async with ModelDatabase("postgresql://nobody@127.0.0.1:1/nothing") as models:
        with pytest.raises(ServiceUnavailableError):
            async with models.open() as session:
                await session.exec(text("SELECT 1"))


async def test_a_cancelled_block_gives_its_connection_back(sqlite_models: ModelDatabase) -> None:
    started = asyncio.Event()

    async def block() -> None:
        async with sqlite_models.open():
            await _add("lost")
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(block())
    await started.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert sqlite_models.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert await _texts(sqlite_models) == []


async def test_sqlite_readers_do_not_wait_for_the_writer(sqlite_models: ModelDatabase) -> None:
    async with sqlite_models.open():
        await _add("uncommitted")
        async with open_session() as reader:
            assert (await reader.exec(select(Note))).all() == []


async def test_sqlite_writes_after_reading_while_others_write(tmp_path: Any) -> None:
    """Read, then write: refused at once by SQLite if the reading had begun the transaction."""
    from tests.query.models import metadata

    settings = DatabaseSettings(url=_secret(f"sqlite:///{tmp_path}/busy.db"), pool_size=20)
    async with ModelDatabase(settings, metadata=metadata) as models:
        await models.create_tables()

        async def change(number: int) -> None:
            async with models.open() as session:
                await session.exec(select(Note))
                await asyncio.sleep(0)
                await _add(f"{number}")

        await asyncio.gather(*(change(number) for number in range(15)))
        assert len(await _texts(models)) == 15


def _secret(url: str) -> Any:
    from zenith.kernel.keys import Secret

    return Secret(url)


async def test_old_bulk_methods_pass_no_hook(models: ModelDatabase) -> None:
    async with models.open() as session:
        for name in ("bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings"):
            with pytest.raises(SessionError, match="bulk"):
                await session.run_sync(lambda inner, name=name: getattr(inner, name)(Note, []))
