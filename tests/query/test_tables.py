"""Tables that are missing are made once, however many processes start at the same time."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import inspect
from sqlmodel import select

from tests.query.models import Note, metadata
from zenith.query import operation
from zenith.stores.sql.model_database import ModelDatabase

PROCESSES = 8


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path) -> str:
    """A database without any table, in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/models.db"
    return request.getfixturevalue("postgres_url")


async def test_many_create_them_at_once_and_nobody_is_refused(empty_url: str) -> None:
    """Each had looked, found them missing, and made them: all but one were told of a conflict, with
    the status of a client that sends what is there already.
    """
    processes = [
        ModelDatabase(empty_url, create_tables=True, metadata=metadata) for _ in range(PROCESSES)
    ]

    async def write(models: ModelDatabase, number: int) -> None:
        async with models.open(), operation() as session:
            session.add(Note(text=f"{number}"))

    try:
        await asyncio.gather(*(write(each, n) for n, each in enumerate(processes)))
        async with processes[0].open() as session:
            texts = (await session.exec(select(Note.text))).all()
        async with processes[0].engine.connect() as connection:
            names = await connection.run_sync(lambda plain: inspect(plain).get_table_names())
    finally:
        for each in processes:
            await each.close()
    assert sorted(texts) == [f"{n}" for n in range(PROCESSES)]
    assert set(names) == set(metadata.tables)


async def test_rows_that_only_the_end_of_the_block_writes_find_their_tables(empty_url: str) -> None:
    """`session.add` asks the database nothing: the commit is the first that does."""
    async with ModelDatabase(empty_url, create_tables=True, metadata=metadata) as models:
        async with models.open() as session:
            session.add(Note(text="first"))
        async with models.open() as session:
            assert (await session.exec(select(Note.text))).all() == ["first"]


async def test_a_session_that_holds_nothing_opens_nothing(tmp_path) -> None:
    url = f"sqlite:///{tmp_path}/models.db"
    async with (
        ModelDatabase(url, create_tables=True, metadata=metadata) as models,
        models.open() as session,
    ):
        assert not session.new
    assert not (tmp_path / "models.db").exists()
