"""The stores of every kind, fresh for each test."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from tests.services import ServiceSet
from zenith.accounts.store import AccountStore, OneTimeStore
from zenith.audit.store import AuditStore
from zenith.authentication.store import RevocationStore
from zenith.kernel.keys import Secret
from zenith.sessions.store import SessionStore
from zenith.stores.memory import (
    MemoryAccountStore,
    MemoryAuditStore,
    MemoryOneTimeStore,
    MemoryRefreshStore,
    MemoryRevocationStore,
    MemorySessionStore,
)
from zenith.stores.settings import DatabaseSettings
from zenith.stores.sql import (
    Database,
    SqlAccountStore,
    SqlAuditStore,
    SqlOneTimeStore,
    SqlRefreshStore,
    SqlRevocationStore,
    SqlSessionStore,
    upgrade,
)
from zenith.stores.sql.privileges import grants
from zenith.stores.sql.schema import metadata
from zenith.tokens.store import RefreshStore

TABLES = ", ".join(table.name for table in metadata.sorted_tables)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a store keeps what it is given: None for the memory of this process."""

    database: Database | None
    url: str = ""
    owner_url: str = ""
    """For a hand in the database: the application's role may not do all that a test does."""


async def _upgraded(url: str) -> None:
    async with Database(url) as database:
        await upgrade(database)


async def _granted(owner: str, role: str) -> None:
    async with Database(owner) as database:
        for statement in await grants(database, role):
            await _on_server(owner, statement)


async def _on_server(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _run(*steps: Coroutine[Any, Any, None]) -> None:
    # A loop of its own, never made the thread's: the tests' loops are pytest-asyncio's business.
    loop = asyncio.new_event_loop()
    try:
        for step in steps:
            loop.run_until_complete(step)
    finally:
        loop.close()


@pytest.fixture(scope="session")
def postgres_schema_url(services: ServiceSet) -> Iterator[str]:
    """A PostgreSQL database with the schema, shared by the tests of this worker."""
    server = services.shared("postgres")["url"]
    name = f"conformance_{secrets.token_hex(6)}"
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    _run(_on_server(server, f"CREATE DATABASE {name} TEMPLATE template0"), _upgraded(url))
    yield url
    _run(_on_server(server, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def postgres_app_url(postgres_schema_url: str) -> Iterator[str]:
    """The same database as the application sees it: its role may do no more than it needs, so that
    each test of a store proves that this is enough (ASVS 13.2.2).
    """
    role, password = f"app_{secrets.token_hex(6)}", secrets.token_hex(16)
    owner = postgres_schema_url
    _run(
        _on_server(owner, f"CREATE ROLE {role} LOGIN PASSWORD '{password}'"), _granted(owner, role)
    )
    app = make_url(owner).set(username=role, password=password)
    yield app.render_as_string(hide_password=False)
    _run(_on_server(owner, f"DROP OWNED BY {role}"), _on_server(owner, f"DROP ROLE {role}"))


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def place_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with the schema; empty for the memory of this process."""
    if request.param == "memory":
        return ""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_app_url")
    path = tmp_path / "zenith.db"
    shutil.copy(request.getfixturevalue("sqlite_template"), path)
    return f"sqlite:///{path}"


@pytest.fixture
async def place(place_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    """Each place in turn, empty."""
    if not place_url:
        yield Place(database=None)
        return
    # Races of hundreds wait for their turn, whatever else the machine does.
    patient = DatabaseSettings(
        url=Secret(place_url), pool_timeout=60.0, connect_timeout=60.0, statement_timeout=60.0
    )
    async with Database(patient) as database:
        owner_url = place_url
        if database.dialect == "postgresql":
            owner_url = request.getfixturevalue("postgres_schema_url")
            await _on_server(owner_url, f"TRUNCATE {TABLES} RESTART IDENTITY")
        yield Place(database=database, url=place_url, owner_url=owner_url)


@pytest.fixture
def accounts(place: Place) -> AccountStore:
    return MemoryAccountStore() if place.database is None else SqlAccountStore(place.database)


@pytest.fixture
def one_time(place: Place) -> OneTimeStore:
    return MemoryOneTimeStore() if place.database is None else SqlOneTimeStore(place.database)


@pytest.fixture
def sessions(place: Place) -> SessionStore:
    return MemorySessionStore() if place.database is None else SqlSessionStore(place.database)


@pytest.fixture
def revocations(place: Place) -> RevocationStore:
    return MemoryRevocationStore() if place.database is None else SqlRevocationStore(place.database)


@pytest.fixture
def refresh(place: Place) -> RefreshStore:
    return MemoryRefreshStore() if place.database is None else SqlRefreshStore(place.database)


@pytest.fixture
def audit(place: Place) -> AuditStore:
    return MemoryAuditStore() if place.database is None else SqlAuditStore(place.database)
