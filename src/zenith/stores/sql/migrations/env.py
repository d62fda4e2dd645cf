"""How Alembic runs: on the connection and in the transaction of whoever upgrades.

Makers of a new migration run `alembic` through `zenith.stores.sql.migrate.configuration`.
"""

from __future__ import annotations

from alembic import context

from zenith.stores.sql.revision import VERSION_TABLE
from zenith.stores.sql.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
context.run_migrations()
