"""What it costs to make a query, against SQLAlchemy's own way to make the same one."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sqlalchemy import MetaData, select
from sqlmodel import Field

from benchmarks.options import Options
from benchmarks.report import Budget, Row
from benchmarks.timing import Batch, interleave, repeat
from zenith.query import ZenithModel

TITLE = "Queries (CPU time to make one with two filters, an order and a limit)"
ROUNDS = 60


class Product(ZenithModel, table=True):
    """What is asked for."""

    metadata = MetaData()
    __tablename__ = "bench_products"
    id: int | None = Field(default=None, primary_key=True)
    name: str = ""
    price: int = 0


def _ours() -> Batch:
    def make() -> None:
        Product.where(name="lamp", price__gte=10).order_by("-price").limit(10).statement()

    return repeat(make)


def _raw() -> Batch:
    name, price = Product.name, Product.price

    def make() -> None:
        (
            select(Product)
            .where(name == "lamp", price >= 10)  # type: ignore[arg-type]
            .order_by(price.desc())  # type: ignore[attr-defined]
            .limit(10)
        )

    return repeat(make)


async def measure(options: Options) -> AsyncIterator[Row]:
    """Our query with its checks, and the bare statement."""
    found = await interleave({"ours": _ours(), "raw": _raw()}, rounds=options.rounds(ROUNDS))
    ratio, spread = found.ratio("ours", "raw")
    yield Row(
        name="make a query",
        ours=found.of("ours"),
        peer_name="SQLAlchemy's select()",
        peer=found.of("raw"),
        ratio=ratio,
        spread=spread,
        budget=Budget(value=1.5),
    )
