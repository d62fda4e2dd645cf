"""Two tenants with a folder and a document each; on PostgreSQL their owner is no superuser."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy.engine import make_url

from tests.conftest import _on_postgres
from tests.tenants.models import Country, TenantDocument, TenantFolder, metadata
from zenith.stores.sql.model_database import ModelDatabase
from zenith.tenants import tenant_scope

NAMES = ("tt_documents", "tt_folders", "tt_countries")


@dataclass(frozen=True)
class World:
    """A database with `acme` and `bolt` in it."""

    database: ModelDatabase
    ids: dict[str, dict[str, int]]

    def of(self, tenant: str, what: str) -> int:
        return self.ids[tenant][what]


@pytest.fixture(scope="session")
def tenant_postgres_url(services) -> Iterator[str]:
    """A database whose owner is no superuser, so that row-level security holds for it."""
    server, name = services.shared("postgres")["url"], f"tenants_{secrets.token_hex(6)}"
    _on_postgres(server, f"CREATE ROLE {name} LOGIN PASSWORD '{name}'")
    _on_postgres(server, f"CREATE DATABASE {name} OWNER {name} TEMPLATE template0")
    url = make_url(server).set(database=name, username=name, password=name)
    yield url.render_as_string(hide_password=False)
    _on_postgres(server, f"DROP DATABASE {name} WITH (FORCE)")
    _on_postgres(server, f"DROP ROLE {name}")


@pytest.fixture(params=["sqlite", "postgresql"])
def world_url(request, tmp_path) -> str:
    """Each database in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/models.db"
    url: str = request.getfixturevalue("tenant_postgres_url")
    return url


@pytest.fixture
async def world(world_url) -> AsyncIterator[World]:
    """The same with two tenants in it."""
    async with ModelDatabase(world_url) as database:
        async with database.engine.begin() as connection:
            await connection.run_sync(metadata.drop_all)
            await connection.run_sync(metadata.create_all)
        yield World(database, {name: await _fill(database, name) for name in ("acme", "bolt")})


async def _fill(database: ModelDatabase, tenant: str) -> dict[str, int]:
    with tenant_scope(tenant):
        async with database.open():
            country = await Country.create(name=f"land of {tenant}")
            folder = await TenantFolder.create(name=f"{tenant} folder", country_id=country.id)
            document = await TenantDocument.create(title=f"{tenant} secret", folder_id=folder.id)
            return {"country": country.id, "folder": folder.id, "document": document.id}


@pytest.fixture
async def acme(world) -> AsyncIterator[World]:
    """Inside: acme's data is meant, and a session is open."""
    with tenant_scope("acme"):
        async with world.database.open():
            yield world
