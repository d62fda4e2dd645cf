"""A request that is cancelled, wherever it waits, learns of it, and leaves no transaction and no
connection behind.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlmodel import select

from tests.query.models import Note
from tests.stores.cancelling import When, cancelled_everywhere
from zenith.query import operation, transaction
from zenith.stores.sql.model_database import ModelDatabase


async def _add(content: str) -> None:
    async with operation() as session:
        session.add(Note(text=content))
        await session.flush()


@pytest.mark.parametrize("when", ["early", "late"])
async def test_a_block_is_kept_as_a_whole_or_not_at_all(models: ModelDatabase, when: When) -> None:
    run = 0

    async def block() -> None:
        nonlocal run
        run += 1
        async with models.open():
            await _add(f"{run} a")
            async with transaction():
                await _add(f"{run} b")
            async with operation() as session:
                await session.exec(select(Note.text))

    async def after(_: int, ended: BaseException | None) -> None:
        assert isinstance(ended, asyncio.CancelledError)
        pool: Any = models.engine.sync_engine.pool
        assert pool.checkedout() == 0
        async with asyncio.timeout(5), models.open() as session:
            texts = (await session.exec(select(Note.text))).all()
            kept = sorted(each for each in texts if each.startswith(f"{run} "))
            assert kept in ([], [f"{run} a", f"{run} b"])
            await _add(f"another {run}")

    assert await cancelled_everywhere(block, after, when) > 5
