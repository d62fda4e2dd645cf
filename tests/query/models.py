"""Tables for the tests of sessions and queries."""

from __future__ import annotations

from sqlalchemy import MetaData
from sqlmodel import Field, SQLModel

metadata = MetaData()


class Note(SQLModel, table=True):
    """A row with one unique text."""

    metadata = metadata
    id: int | None = Field(default=None, primary_key=True)
    text: str = Field(unique=True)


TABLES = ", ".join(table.name for table in metadata.sorted_tables)
