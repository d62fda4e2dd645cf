from __future__ import annotations

import asyncio
import dataclasses
from collections import deque
from typing import Annotated

import pytest
from pydantic import BaseModel, Field
from pydantic_core import PydanticCustomError

from zenith.kernel.errors import ConfigurationError, ValidationError
from zenith.validation.checks import (
    MAX_CHECKS,
    CheckInfo,
    async_field_validator,
    async_model_validator,
    check,
)
from zenith.validation.errors import ChecksTimeoutError
from zenith.validation.models import StrictModel


class Tag(StrictModel):
    name: str

    @async_field_validator("name")
    @classmethod
    async def is_known(cls, value: str) -> None:
        await asyncio.sleep(0)
        if value != "known":
            raise PydanticCustomError("unknown_tag", "There is no {what}", {"what": "such tag"})


class Person(StrictModel):
    name: Annotated[str, Field(alias="userName")]
    age: int = 20
    tags: tuple[Tag, ...] = ()
    by_name: dict[str, Tag] | None = None
    main: Tag | None = None

    @async_field_validator("name")
    @classmethod
    async def is_free(cls, value: str, info: CheckInfo) -> None:
        if value in info.context.get("taken", ()):
            raise ValueError("That name is taken")

    @async_field_validator("age", "name")
    @classmethod
    async def is_plausible(cls, value: object) -> None:
        if value == 99:
            raise AssertionError("nobody is")

    @async_model_validator
    @classmethod
    async def fits(cls, model: Person) -> None:
        if model.name == "child" and model.age > 17:
            raise ValueError("A child is younger")


async def faults_of(model, **options):
    with pytest.raises(ValidationError) as caught:
        await check(model, **options)
    return list(caught.value.errors)


def person(name="ada", **more):
    return Person.model_validate({"userName": name, **more})


async def test_what_holds_passes():
    await check(person(tags=[{"name": "known"}], main={"name": "known"}))


async def test_faults_have_pydantics_shape_and_the_fields_names_outside():
    found = await faults_of(person("bo", age=99), context={"taken": {"bo"}})
    assert found == [
        {
            "type": "value_error",
            "loc": ["body", "userName"],
            "msg": "Value error, That name is taken",
        },
        {
            "type": "assertion_error",
            "loc": ["body", "age"],
            "msg": "Assertion failed, nobody is",
        },
    ]


async def test_a_model_is_checked_as_a_whole():
    found = await faults_of(person("child", age=30), at=("query",))
    assert found == [
        {"type": "value_error", "loc": ["query"], "msg": "Value error, A child is younger"}
    ]


async def test_models_inside_are_checked_where_they_stand():
    tags = [{"name": "known"}, {"name": "x"}]
    found = await faults_of(person(tags=tags, by_name={"a": {"name": "y"}}, main={"name": "z"}))
    assert [fault["loc"] for fault in found] == [
        ["body", "tags", 1, "name"],
        ["body", "by_name", "a", "name"],
        ["body", "main", "name"],
    ]
    assert found[0]["msg"] == "There is no such tag"
    assert found[0]["type"] == "unknown_tag"


async def test_too_many_checks_are_not_made():
    found = await faults_of(person(tags=[{"name": "known"}] * (MAX_CHECKS + 1)))
    assert found[0]["type"] == "too_many_checks"
    assert found[0]["loc"] == ["body"]


class Slow(BaseModel):
    numbers: list[Slower]


class Slower(BaseModel):
    number: int
    running: int = 0

    @async_field_validator("number")
    @classmethod
    async def waits(cls, value: int, info: CheckInfo) -> None:
        counts = info.context["counts"]
        counts["now"] += 1
        counts["most"] = max(counts["most"], counts["now"])
        try:
            await asyncio.sleep(value)
        except asyncio.CancelledError:
            counts["stopped"] += 1
            raise
        finally:
            counts["now"] -= 1
        if value < 0:
            raise RuntimeError("no answer")


def slow(*numbers):
    counts = {"now": 0, "most": 0, "stopped": 0}
    return Slow.model_validate({"numbers": [{"number": n} for n in numbers]}), counts


async def test_they_run_at_once_but_not_all():
    model, counts = slow(*[0] * 30)
    await check(model, context={"counts": counts}, at_once=4)
    assert counts == {"now": 0, "most": 4, "stopped": 0}


async def test_what_takes_too_long_is_stopped_and_not_taken():
    model, counts = slow(0, 3600, 3600)
    with pytest.raises(ChecksTimeoutError) as caught:
        await check(model, context={"counts": counts}, within=0.05)
    assert caught.value.status == 503
    assert counts["stopped"] == 2
    assert counts["now"] == 0


async def test_an_error_of_the_application_stops_the_others_and_goes_on():
    model, counts = slow(3600, -1)
    with pytest.raises(RuntimeError, match="no answer"):
        await check(model, context={"counts": counts})
    assert counts["stopped"] == 1


async def test_a_cancelled_check_leaves_nothing_behind():
    model, counts = slow(3600, 3600)
    task = asyncio.create_task(check(model, context={"counts": counts}))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert counts == {"now": 0, "most": 2, "stopped": 2}


async def test_a_validator_changes_nothing():
    class Changing(BaseModel):
        name: str

        @async_field_validator("name")
        @classmethod
        async def lower(cls, value: str) -> str:
            return value.lower()

    with pytest.raises(ConfigurationError, match="returned a value"):
        await check(Changing(name="A"))


async def test_one_that_is_overridden_is_another():
    class Free(Person):
        @classmethod
        async def is_free(cls, value: str) -> None:
            return None

    await check(Free.model_validate({"userName": "bo"}), context={"taken": {"bo"}})


async def test_mistakes_are_told_at_once():
    with pytest.raises(ConfigurationError, match="names of fields"):
        async_field_validator()
    with pytest.raises(ConfigurationError, match="no `async def`"):
        async_field_validator("a")(lambda cls, value: None)

    class Wrong(BaseModel):
        name: str

        @async_field_validator("nme")
        @classmethod
        async def check_it(cls, value: str) -> None: ...

    with pytest.raises(ConfigurationError, match="which is no field"):
        await check(Wrong(name="a"))


async def test_a_model_in_itself_ends():
    class Node(BaseModel):
        inner: object = None

    node = Node()
    for _ in range(50):
        node = Node(inner=node)
    await check(node)


class Refusing(BaseModel, frozen=True):
    name: str = "x"

    @async_field_validator("name")
    @classmethod
    async def never(cls, value: str) -> None:
        raise ValueError("no")


@dataclasses.dataclass
class Holder:
    inner: Refusing


class Holding(BaseModel, extra="allow"):
    __pydantic_extra__: dict[str, Refusing]

    several: set[Refusing] | None = None
    fixed: frozenset[Refusing] | None = None
    queue: deque[Refusing] | None = None
    held: Holder | None = None


@pytest.mark.parametrize(
    "sent",
    [{"several": [{}]}, {"fixed": [{}]}, {"queue": [{}]}, {"held": {"inner": {}}}, {"more": {}}],
)
async def test_whatever_holds_a_model_is_looked_into(sent):
    with pytest.raises(ValidationError) as caught:
        await check(Holding.model_validate(sent))
    (found,) = caught.value.errors
    assert (found["msg"], found["loc"][1]) == ("Value error, no", next(iter(sent)))


class Branch(Refusing):
    below: tuple[Branch, ...] = ()

    @async_field_validator("name")
    @classmethod
    async def never(cls, value: str) -> None:
        if value == "bad":
            raise ValueError("no")


@pytest.mark.parametrize(("levels", "kind"), [(20, "value_error"), (40, "too_deep")])
async def test_no_depth_escapes_the_checks(levels, kind):
    tree = Branch(name="bad")
    for _ in range(levels):
        tree = Branch(name="good", below=(tree,))
    with pytest.raises(ValidationError) as caught:
        await check(tree)
    assert [found["type"] for found in caught.value.errors] == [kind]


@pytest.mark.parametrize(
    "broken", [lambda: Refusing.model_validate({"name": ["hunter2"]}), b"\xff".decode]
)
async def test_what_other_models_say_of_values_is_not_told(broken):
    class Asking(BaseModel):
        name: str

        @async_field_validator("name")
        @classmethod
        async def ask(cls, value: str) -> None:
            broken()

    with pytest.raises(ValidationError) as caught:
        await check(Asking(name="a"))
    assert [found["msg"] for found in caught.value.errors] == ["Value error"]


async def test_a_check_that_is_cancelled_from_within_is_not_taken():
    class Waiting(BaseModel):
        name: str

        @async_field_validator("name")
        @classmethod
        async def wait(cls, value: str) -> None:
            shared: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            shared.cancel()
            await shared

    with pytest.raises(ChecksTimeoutError) as caught:
        await check(Waiting(name="a"))
    assert caught.value.reason == "a check was cancelled"
