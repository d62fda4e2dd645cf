"""Settings of models."""

from __future__ import annotations

from zenith.kernel.keys import Secret
from zenith.kernel.records import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class QuerySettings:
    """Where the application's own models live."""

    url: Secret | None = None
    """Their database, as a role of its own that reaches nothing of Zenith's, for example. None:
    the database of `ZENITH_DATABASE__URL`; where that is SQLite, a file beside it, since SQLite has
    one writer for each file."""

    create_tables: bool | None = None
    """Whether tables that are missing are created before the first query. A table that exists is
    never changed. None: except on PostgreSQL in production, where a start without the tables of the
    models is refused: create them by migrations."""
