"""PostgreSQL's own border between tenants, for what does not pass through a session.

Each table of a `TenantModel` gets a policy that compares its tenant with a setting of the
transaction; sessions make that setting before their first statement. It is off for superusers and
for roles with BYPASSRLS, which an application should not be.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection, MetaData, Table, event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from zenith.tenants.scope import EVERY
from zenith.tenants.table import COLUMN, TenantTable

SETTING: Final = "zenith.tenant"
POLICY: Final = "zenith_tenant"
_ANNOUNCE: Final = text("SELECT set_config(:name, :tenant, true)")
_ROLE: Final = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
_FORCED: Final = text(
    "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relrowsecurity"
    " AND relforcerowsecurity AND pg_table_is_visible(oid)"
)


def statements_for(table: Table) -> tuple[str, ...]:
    """The SQL that draws the border around `table`, for migrations. It forces the owner too."""
    name = '"' + table.name.replace('"', '""') + '"'
    setting = f"current_setting('{SETTING}', true)"
    own = f'"{COLUMN}" = {setting}'
    # Permissive policies add up: whoever reads the rows of all does not delete them.
    return (
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY {POLICY} ON {name} USING ({own}) WITH CHECK ({own})",
        f"CREATE POLICY {POLICY}_read ON {name} FOR SELECT USING ({setting} = '{EVERY}')",
    )


def announce(connection: Connection, tenant: str | None) -> None:
    """Tell PostgreSQL whose data the transaction may reach; without a tenant, nobody's."""
    if connection.dialect.name == "postgresql":
        connection.execute(_ANNOUNCE, {"name": SETTING, "tenant": tenant or ""})


async def open_borders(engine: AsyncEngine, metadata: MetaData) -> list[str]:
    """What keeps PostgreSQL from holding the border, a line each; nothing on other databases."""
    if engine.dialect.name != "postgresql":
        return []
    tables = {table.name for table in metadata.tables.values() if isinstance(table, TenantTable)}
    if not tables:
        return []
    async with engine.connect() as connection:
        is_exempt = (await connection.execute(_ROLE)).scalar()
        forced = set((await connection.execute(_FORCED)).scalars())
    found = [f"table {name} has no row-level security" for name in sorted(tables - forced)]
    if is_exempt:
        found.insert(0, "the database role is exempt from row-level security")
    return found


@event.listens_for(TenantTable, "after_create")
def _protect(table: TenantTable, connection: Connection, **_: Any) -> None:
    if connection.dialect.name == "postgresql":
        _run(connection, statements_for(table))


def _run(connection: Connection, statements: Iterable[str]) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement)
