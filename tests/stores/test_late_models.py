"""A request whose handler is the first to load what models are made of."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from zenith.query import SessionError, operation
from zenith.stores.late_models import LateModels
from zenith.stores.sql import ModelDatabase


async def test_a_request_that_began_before_them_has_its_session(tmp_path) -> None:
    made = ModelDatabase(f"sqlite:///{tmp_path}/models.db", create_tables=True)
    models = LateModels(lambda: made)
    await models.close()
    unit = models.begin()
    async with operation() as session:
        assert (await session.exec(text("SELECT 1"))).all() == [(1,)]
    await unit.end(keep=True)
    async with operation() as session:
        assert (await session.exec(text("SELECT 2"))).all() == [(2,)]
    unit.leave()
    assert models.database is made
    await models.check_tables()
    await models.close()


async def test_a_task_that_outlives_it_is_told(tmp_path) -> None:
    models = LateModels(lambda: ModelDatabase(f"sqlite:///{tmp_path}/models.db"))
    unit = models.begin()
    unit.end(keep=False)
    with pytest.raises(SessionError, match="outlived"):
        async with operation():
            pass
    unit.leave()
    await models.close()
