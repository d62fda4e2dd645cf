"""Whose rows a re-encryption reads and writes: those of one tenant after the other."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from typing import Final

from sqlalchemy import exc, literal, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass
from zenith.stores.sql.encrypted_rows import EncryptedTable
from zenith.tenants import across_tenants, tenant_scope
from zenith.tenants.row_level_security import announce
from zenith.tenants.scope import EVERY
from zenith.tenants.table import COLUMN, TenantTable

REASON: Final = "which tenants have encrypted rows"
NOT_ALLOWED: Final = "42501"
_ALL_OR_NONE: Final = text("SELECT set_config('row_security', 'off', true)")


@dataclass(frozen=True, slots=True)
class Part:
    """A table, or what one tenant has in it.

    Threat: a key that is destroyed because the rows that need it are another tenant's, which
    nobody has looked at.
    """

    table: EncryptedTable
    tenant: str | None
    """None where rows belong to no tenant."""

    @property
    def name(self) -> str:
        """For the bookmark."""
        return self.table.name if self.tenant is None else f"{self.table.name} of {self.tenant}"

    @asynccontextmanager
    async def connect(
        self, engine: AsyncEngine, *, write: bool = False
    ) -> AsyncGenerator[AsyncConnection]:
        """A connection that reaches these rows; with `write` a transaction that is committed."""
        with nullcontext() if self.tenant is None else tenant_scope(self.tenant):
            async with engine.begin() if write else engine.connect() as connection:
                if self.tenant is not None:
                    await connection.run_sync(announce, self.tenant)
                yield connection


async def parts_of(engine: AsyncEngine, table: EncryptedTable) -> list[Part]:
    """The parts of a table, as its rows are now."""
    if not isinstance(table.table, TenantTable):
        if engine.dialect.name == "postgresql":
            await _check_all_are_seen(engine, table)
        return [Part(table, None)]
    owner = table.table.c[COLUMN]
    with across_tenants(REASON):
        async with engine.connect() as connection:
            await connection.run_sync(announce, EVERY)
            # What reads the rows of all is compiled for this once.
            found = await connection.execute(
                select(owner).distinct().order_by(owner), execution_options={"compiled_cache": None}
            )
            return [Part(table, tenant) for tenant in found.scalars()]


async def _check_all_are_seen(engine: AsyncEngine, table: EncryptedTable) -> None:
    """Rows that a policy of the application's own hides would be left out without a word."""
    async with engine.connect() as connection:
        await connection.execute(_ALL_OR_NONE)
        try:
            await connection.execute(select(literal(1)).select_from(table.table).limit(0))
        except exc.DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != NOT_ALLOWED:
                raise
            raise ConfigurationError(
                f"not all rows of {table.name} can be seen",
                fix="run it as a role that row-level security does not hold (BYPASSRLS)",
            ) from error
