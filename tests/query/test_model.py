"""Rows that are created, changed and deleted: by whom, with what, and at the same time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.query.models import Account, Color, Pair, Thing
from zenith.kernel.errors import ConfigurationError, ConflictError, ValidationError
from zenith.query import open_session, transaction
from zenith.stores.sql import ModelDatabase

pytestmark = pytest.mark.usefixtures("block")


@pytest.fixture
async def block(models: ModelDatabase) -> Any:
    async with models.open():
        yield


async def test_create_takes_data_and_what_code_decides() -> None:
    thing = await Thing.create({"inner": 5, "secret": "s"}, name="one", color="blue")
    assert (thing.inner, thing.secret, thing.color) == (5, "s", Color.BLUE)
    assert thing.id is not None
    assert await Thing.where(name="one").one() is thing


async def test_update_and_delete() -> None:
    thing = await Thing.create(name="one")
    assert await thing.update({"large": 9}, name="two", amount=3) is thing
    assert await Thing.where(name="two", amount=3, large=9).exists()
    await thing.delete()
    assert await Thing.where().count() == 0


async def test_every_fault_is_listed_without_a_value() -> None:
    thing = await Thing.create(name="one")
    for wrong in (Thing.create, thing.update):
        with pytest.raises(ValidationError) as caught:
            await wrong(name="x" * 60, amount="secret-value")
        assert len(caught.value.errors) == 2
        assert "secret-value" not in str(caught.value)
    for wrong in (Thing.create, thing.update):
        with pytest.raises(ValidationError, match="no stars"):
            await wrong(name="*")
        with pytest.raises(ValidationError, match="NUL"):
            await wrong(name="a\0b")
        with pytest.raises(ValidationError, match="out of range"):
            await wrong(name="b", amount=2**40)
        with pytest.raises(ValueError, match="no column `nothing`"):
            await wrong({"nothing": 1}, name="b")


async def test_points_in_time_are_stored_in_utc() -> None:
    thing = await Thing.create(name="one", seen="2026-01-01T12:00:00+03:00")
    assert thing.seen == datetime(2026, 1, 1, 9, tzinfo=UTC)
    with pytest.raises(ValidationError, match="without an offset"):
        await thing.update({"local": datetime(2026, 1, 1, tzinfo=UTC)})
    await thing.update({"local": datetime(2026, 1, 1)})  # noqa: DTZ001  # without an offset is the point


async def test_what_is_not_declared_cannot_be_written() -> None:
    with pytest.raises(ConfigurationError, match="declares no writable columns"):
        await Pair.create(left=1, right=2)
    pair = await Pair.create({"left": 1, "right": 2})
    assert pair.right == 2


async def test_code_may_set_what_data_may_not() -> None:
    thing = Thing(name="one", secret="s")
    await thing.save()
    thing.secret = "t"
    await thing.save()
    assert await Thing.where(Thing.secret == "t").exists()


async def test_the_second_to_write_is_refused(models: ModelDatabase) -> None:
    async with models.open():
        await Account.create(balance=1)
    mine = await Account.where().one()
    async with models.open():
        theirs = await Account.where().one()
        await theirs.update(balance=2)
    with pytest.raises(ConflictError, match="meanwhile"):
        async with transaction():
            await mine.update(balance=3)


async def test_a_client_that_has_seen_another_version_is_refused() -> None:
    account = await Account.create(balance=1)
    await account.update(balance=2, version=1)
    assert account.version == 2
    for seen in (1, "2", True, None):
        with pytest.raises(ConflictError):
            await account.update(balance=3, version=seen)
    assert await Account.where(balance=2).update(balance=5) == 1
    async with open_session():
        pass
    assert (await Account.where(balance=5).one()).version == 3


async def test_a_row_that_is_gone_is_a_conflict(models: ModelDatabase) -> None:
    async with models.open():
        await Account.create(balance=1)
    mine = await Account.where().one()
    async with models.open():
        await Account.where(balance=1).delete()
    with pytest.raises(ConflictError):
        async with transaction():
            await mine.delete()


async def test_a_taken_value_inside_a_transaction_leaves_the_rest_usable() -> None:
    await Thing.create(name="one")
    with pytest.raises(ConflictError):
        async with transaction():
            await Thing.create(name="one")
    await Thing.create(name="two")
    assert await Thing.where().count() == 2
