"""What all tables share: portable between SQLite and PostgreSQL; times are Unix seconds."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Integer, MetaData, Text

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Keys sort by their bytes on every database, whatever the locale of the server, so that a page
# starts where the last one ended.
BYTEWISE: Final = Text().with_variant(Text(collation="C"), "postgresql")
# SQLite counts rows only in a column that is exactly INTEGER.
COUNTER: Final = BigInteger().with_variant(Integer(), "sqlite")
