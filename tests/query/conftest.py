"""Models on SQLite and on PostgreSQL, their tables empty for each test."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from tests.query.models import TABLES, metadata
from tests.services import ServiceSet
from zenith.stores.sql.model_database import ModelDatabase


async def _on_server(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _tables(url: str) -> None:
    async with ModelDatabase(url, metadata=metadata) as database:
        await database.create_tables()


def _run(*steps: object) -> None:
    # A loop of its own, never made the thread's: the tests' loops are pytest-asyncio's business.
    loop = asyncio.new_event_loop()
    try:
        for step in steps:
            loop.run_until_complete(step)  # type: ignore[arg-type]
    finally:
        loop.close()


@pytest.fixture(scope="session")
def models_postgres_url(services: ServiceSet) -> Iterator[str]:
    """A PostgreSQL database with the tables, shared by the tests of this worker."""
    server = services.shared("postgres")["url"]
    name = f"models_{secrets.token_hex(6)}"
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    _run(_on_server(server, f"CREATE DATABASE {name} TEMPLATE template0"), _tables(url))
    yield url
    _run(_on_server(server, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def sqlite_models(tmp_path: Path) -> AsyncIterator[ModelDatabase]:
    """Models in a file."""
    async with ModelDatabase(f"sqlite:///{tmp_path}/models.db", metadata=metadata) as database:
        await database.create_tables()
        yield database


@pytest.fixture(params=["sqlite", "postgresql"])
def models_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where models live, in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/models.db"
    url: str = request.getfixturevalue("models_postgres_url")
    return url


@pytest.fixture
async def models(models_url: str) -> AsyncIterator[ModelDatabase]:
    """Each place in turn, empty."""
    async with ModelDatabase(models_url, metadata=metadata) as database:
        if database.dialect == "sqlite":
            await database.create_tables()
        else:
            async with database.engine.begin() as connection:
                await connection.exec_driver_sql(f"TRUNCATE {TABLES} RESTART IDENTITY")
        yield database
