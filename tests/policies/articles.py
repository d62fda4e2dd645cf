"""A model with a column of every kind, values to put into it, and rows in a real database."""

from __future__ import annotations

import asyncio
import enum
import math
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

T = TypeVar("T")
CEST = timezone(timedelta(hours=2))


class Status(enum.Enum):
    DRAFT = "draft"
    OPEN = "open"
    FIRST = 1
    HALF = 0.5
    NAMELESS = None


class Base(DeclarativeBase):
    """Tables of these tests."""


class Article(Base):
    __tablename__ = "articles"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str | None] = mapped_column(sa.String())
    slug: Mapped[str | None] = mapped_column(
        sa.Text(collation="NOCASE").with_variant(sa.Text(), "postgresql")
    )
    note: Mapped[str | None] = mapped_column(AutoString())
    size: Mapped[int | None] = mapped_column(sa.Integer())
    views: Mapped[int | None] = mapped_column(sa.BigInteger())
    ratio: Mapped[float | None] = mapped_column(sa.Float())
    score: Mapped[float | None] = mapped_column(sa.Double())
    price: Mapped[Decimal | None] = mapped_column(sa.Numeric(10, 2))
    cost: Mapped[Decimal | None] = mapped_column(sa.Numeric(12, 4))
    public: Mapped[bool | None]
    locked: Mapped[bool | None]
    status: Mapped[Status | None] = mapped_column(sa.Enum(Status))
    level: Mapped[str | None] = mapped_column(sa.Enum("low", "high", name="level"))
    day: Mapped[date | None]
    at: Mapped[datetime | None] = mapped_column(sa.DateTime())
    until: Mapped[datetime | None] = mapped_column(sa.DateTime())
    moment: Mapped[datetime | None] = mapped_column(UTCDateTime())
    clock: Mapped[time | None]
    owner: Mapped[UUID | None] = mapped_column(sa.Uuid())
    digest: Mapped[bytes | None]


TEXTS = [
    *("", "a", "A", "ab", "aB", "a%", "a_b", "%", "_", "é", "e\u0301", "É", "ß", "\U0001f600"),
    *("\uffff", "\ud7ff", "\ue000", "a\nb", "Z", "z", "10", "9", "true", "*", "[a]", "\\", "'"),
    *("a ", " a", "draft", "\U0010ffff", "a\U0010ffff", "ba"),
]
ODD_TEXTS = ["a\x00b", "\x00", "a\x00", "\ud800", "a\udfffb", "ab\x00a\ud800b"]
INTEGERS = [0, 1, -1, 2, 3, 2**31 - 1, -(2**31)]
BIG = [*INTEGERS, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 2**63 - 512]
HUGE = [2**63, -(2**63) - 1, 10**30, -(10**400)]
FLOATS = [0.0, -0.0, 1.0, 0.5, -1.5, 0.1, 1e308, -5e-324, 2.0**53, 2.0**63, math.inf, -math.inf]
DECIMALS = [Decimal(text) for text in ("0", "0.10", "1.00", "-1.50", "2.55", "99999999.99")]
ODD_DECIMALS = [
    Decimal(text)
    for text in ("0.1", "2.555", "-1.505", "1E+400", "-1E+400", "1E-400", "Infinity", "NaN")
]
DAYS = [date(2026, 1, 1), date(1, 1, 1), date(9999, 12, 31), date(2026, 11, 22)]
NAIVE = [
    datetime.fromisoformat(text)
    for text in (
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00.000001",
        "9999-12-31T23:59:59.999999",
        "2026-11-22T09:30:00",
    )
]
AWARE = [
    *(moment.replace(tzinfo=UTC) for moment in NAIVE[:2]),
    datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
    datetime(2026, 11, 22, 11, 30, tzinfo=CEST),
]
TIMES = [time(0), time(9, 30), time(9, 30, 0, 1), time(23, 59, 59, 999999)]
UUIDS = [UUID(int=0), UUID(int=1), UUID("12345678-1234-5678-1234-567812345678")]
BYTES = [b"", b"a", b"\x00\xff", b"A"]
COLUMNS: dict[str, list[Any]] = {
    "title": TEXTS,
    "slug": TEXTS,
    "note": TEXTS,
    "size": INTEGERS,
    "views": BIG,
    "ratio": FLOATS,
    "score": [*FLOATS, math.nan],
    "price": DECIMALS,
    "cost": [*DECIMALS, Decimal("2.5550")],
    "public": [True, False],
    "locked": [True, False],
    "status": [Status.DRAFT, Status.OPEN, Status.FIRST, Status.HALF, Status.NAMELESS],
    "level": ["low", "high"],
    "day": DAYS,
    "at": NAIVE,
    "until": NAIVE,
    "moment": AWARE,
    "clock": TIMES,
    "owner": UUIDS,
    "digest": BYTES,
}
VALUES = [
    *(*TEXTS, *ODD_TEXTS, *BIG, *HUGE, *FLOATS, *DECIMALS, *ODD_DECIMALS, True, False),
    *(*DAYS, *NAIVE, *AWARE, *TIMES, *UUIDS, *BYTES, "low", "high", "open", Status.DRAFT),
]
"""What rules and subjects may compare with: of every kind, in and out of what columns hold."""


class Rows:
    """A few hundred articles in one database, as it gives them back."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._engine: AsyncEngine = create_async_engine(url)
        self.postgres = self._engine.dialect.name == "postgresql"
        self.all: list[Article] = []
        self.run(self._fill)

    def run(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """What `work` does with a session."""

        async def whole() -> T:
            async with AsyncSession(self._engine, expire_on_commit=False) as session:
                return await work(session)

        return self._loop.run_until_complete(whole())

    def each(self, conditions: Sequence[Any]) -> list[set[int]]:
        """The same for several conditions, in one query."""

        async def find(session: AsyncSession) -> list[set[int]]:
            found = await session.execute(sa.select(Article.id, *conditions))
            rows = found.all()
            return [
                {row[0] for row in rows if row[number + 1]} for number in range(len(conditions))
            ]

        return self.run(find)

    def ids(self, condition: Any) -> set[int]:
        """Which articles a query with this condition finds."""

        async def find(session: AsyncSession) -> set[int]:
            return set(await session.scalars(sa.select(Article.id).where(condition)))

        return self.run(find)

    async def _fill(self, session: AsyncSession) -> None:
        source = random.Random(4)
        connection = await session.connection()
        if self.postgres:
            # The server's own collation decides nothing: words, not bytes.
            await connection.execute(
                sa.text('CREATE COLLATION IF NOT EXISTS words FROM "en-x-icu"')
            )
        await connection.run_sync(Base.metadata.create_all)
        longest = max(map(len, COLUMNS.values()))
        for number in range(3 * longest):
            values = {
                name: None
                if source.random() < 0.15
                else pool[number % len(pool)]
                if number < longest
                else source.choice(pool)
                for name, pool in COLUMNS.items()
            }
            if not self.postgres and number % 9 == 0:
                values["title"] = "a\x00b"
            session.add(Article(id=number + 1, **values))
        await session.commit()
        session.expunge_all()
        self.all = list(await session.scalars(sa.select(Article).order_by(Article.id)))

    def close(self) -> None:
        """End the connections."""
        self._loop.run_until_complete(self._engine.dispose())
        self._loop.close()
