from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import exc
from sqlmodel import Field, Index, MetaData

from zenith.kernel.errors import ConflictError, ValidationError
from zenith.query import ZenithModel, transaction
from zenith.stores.sql import ModelDatabase
from zenith.validation.uniqueness import taken, unique

metadata = MetaData()


class Person(ZenithModel, table=True):
    metadata = metadata
    __tablename__ = "unique_people"
    __table_args__ = (Index("uq_people_nick_name", "nick_name", unique=True),)
    id: int | None = Field(default=None, primary_key=True)
    username: str = Field(unique=True)
    nick_name: str = ""
    age: int = 1


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/models.db"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
async def models(url):
    async with ModelDatabase(url, metadata=metadata) as database:
        await database.create_tables()
        yield database


async def add(models, name, nick="", /, **messages):
    async with models.open():
        with unique(**(messages or {"username": "is taken"})):
            await Person.create({"username": name, "nick_name": nick or name})


async def test_of_many_at_once_one_gets_the_name(models):
    answers = await asyncio.gather(
        *(add(models, "ada", f"n{n}") for n in range(50)), return_exceptions=True
    )
    refused = [answer for answer in answers if answer is not None]
    assert len(refused) == 49
    for error in refused:
        assert isinstance(error, ValidationError)
        assert error.errors == [{"type": "unique", "loc": ["body", "username"], "msg": "is taken"}]
        assert error.__cause__ is None
        assert "ada" not in str(error)
    async with models.open():
        assert await Person.where().count() == 1


async def test_each_column_has_its_own_words(models):
    messages = {"username": "u", "nick_name": "n"}
    await add(models, "ada", "a", **messages)
    with pytest.raises(ValidationError) as caught:
        await add(models, "bo", "a", **messages)
    assert [fault["loc"][-1] for fault in caught.value.errors] == ["nick_name"]


async def test_other_columns_stay_conflicts(models):
    await add(models, "ada", "a")
    with pytest.raises(ConflictError):
        await add(models, "bo", "a")


def test_other_errors_stay_what_they_are():
    with pytest.raises(KeyError), unique(username="u"):
        raise KeyError


async def refuse_the_second():
    try:
        async with transaction():
            await Person.create({"username": "ada", "nick_name": "x"})
    except ConflictError:
        raise PermissionError  # noqa: B904


async def test_what_is_raised_while_a_conflict_is_handled_is_something_else(models):
    await add(models, "ada")
    async with models.open():
        with pytest.raises(PermissionError), unique(username="u"):
            await refuse_the_second()


async def test_the_transaction_around_goes_on(models):
    await add(models, "ada")
    async with models.open():
        with pytest.raises(ValidationError), unique(at=("query",), username="u"):
            async with transaction():
                await Person.create({"username": "ada", "nick_name": "x"})
        await Person.create({"username": "bo", "nick_name": "y"})
    async with models.open():
        assert await Person.where().count() == 2


class Driver(Exception):  # noqa: N818
    def __init__(self, text="", **more):
        super().__init__(text)
        vars(self).update(more)


NAMES = {"username": 1, "id": 1}


@pytest.mark.parametrize(
    ("error", "names"),
    [
        (Driver(sqlstate="23505", detail="Key (username)=(id) already exists."), ["username"]),
        (Driver(sqlstate="23505", detail="Key (lower(username::text))=(x) a"), ["username"]),
        (Driver("DETAIL: Key (id, username)=(1, x)", sqlstate="23505"), ["username", "id"]),
        (Driver(sqlstate="23505", constraint_name="uq_people_username"), ["username"]),
        (Driver(sqlstate="23505"), []),
        (Driver(sqlstate="23503", detail="Key (username)=(x) is not present"), []),
        (
            Driver(
                "UNIQUE constraint failed: id.username",
                sqlite_errorname="SQLITE_CONSTRAINT_UNIQUE",
            ),
            ["username"],
        ),
        (
            Driver(
                "UNIQUE constraint failed: index 'uq_username'",
                sqlite_errorname="SQLITE_CONSTRAINT_UNIQUE",
            ),
            ["username"],
        ),
        (Driver("?", sqlite_errorname="SQLITE_CONSTRAINT_PRIMARYKEY"), []),
        (Driver("failed: t.username", sqlite_errorname="SQLITE_CONSTRAINT_NOTNULL"), []),
    ],
)
def test_what_drivers_say(error, names):
    assert taken(error, NAMES) == names
    assert taken(exc.IntegrityError("INSERT", {}, error), NAMES) == names


def test_causes_that_close_end():
    one, two = Driver(), Driver()
    one.__cause__, two.__cause__ = two, one
    assert taken(one, NAMES) == []
