"""Tables for the tests of sessions and queries."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import field_validator
from sqlalchemy import JSON, BigInteger, Column, DateTime, LargeBinary, MetaData
from sqlmodel import Field, SQLModel

from zenith.query import Versioned, ZenithModel, hidden, sensitive

metadata = MetaData()


class Note(SQLModel, table=True):
    """A row with one unique text."""

    metadata = metadata
    id: int | None = Field(default=None, primary_key=True)
    text: str = Field(unique=True)


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Thing(ZenithModel, table=True):
    """A column of each kind, one hidden and two secret."""

    metadata = metadata
    __writable__: ClassVar = {"name", "amount", "price", "color", "seen", "tags"}
    __filterable__: ClassVar = {
        "name": {"eq", "ne", "in", "not_in", "contains", "starts_with", "ends_with", "gt"},
        "amount": {"eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in", "is_null"},
        "price": {"eq", "gt", "lte"},
        "ready": {"eq"},
        "color": {"eq", "in"},
        "seen": {"gte", "lt", "eq"},
        "key": {"eq"},
    }
    __sortable__: ClassVar = {"name", "amount", "price", "seen"}
    __max_page_size__ = 20

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=50, unique=True)
    amount: int | None = None
    large: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, default=0))
    price: float = 0.0
    exact: Decimal = Field(default=Decimal(0), max_digits=10, decimal_places=2)
    ready: bool = False
    color: Color = Color.RED
    seen: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=True)
    )
    local: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=False), nullable=True)
    )
    key: UUID | None = None
    data: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    tags: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    secret: Annotated[str, sensitive] = "x"
    inner: Annotated[int, hidden] = 0
    unseen: str = Field(default="u", exclude=True)
    told: str = Field(default="t", sa_column_kwargs={"info": {"zenith": "sensitive"}})

    @field_validator("name")
    @classmethod
    def _no_stars(cls, value: Any) -> Any:
        if "*" in value:
            raise ValueError("no stars")
        return value


class Account(Versioned, table=True):
    """A row that counts its changes."""

    metadata = metadata
    __tablename__ = "query_accounts"
    __writable__: ClassVar = {"balance"}
    id: int | None = Field(default=None, primary_key=True)
    balance: int = 0


class Pair(ZenithModel, table=True):
    """A key of two columns; nothing is declared as writable."""

    metadata = metadata
    left: int = Field(primary_key=True)
    right: int = Field(primary_key=True)


TABLES = ", ".join(table.name for table in metadata.sorted_tables)
