"""Records behave as the dataclasses whose place they take."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field, fields, replace
from typing import Any, ClassVar

import pytest

from zenith.kernel import records

MAKERS = pytest.mark.parametrize("make", [dataclasses.dataclass, records.dataclass])


def _limit(make: Callable[..., Any]) -> Any:
    @make(frozen=True, slots=True)
    class Limit:
        """With a field of each kind."""

        unit: ClassVar[str] = "hits"
        requests: int
        window: float = 60.0
        names: list[str] = field(default_factory=lambda: ["a"])
        secret: str = field(default="s", repr=False, kw_only=True)
        note: str = field(default="", compare=False, kw_only=True)
        policy: str = field(init=False, repr=False, compare=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "policy", f"{self.requests};w={self.window}")

    return Limit


@records.dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A place."""

    x: int
    y: int = 0


@records.dataclass(frozen=True, slots=True)
class Nothing:
    """Without fields."""


@MAKERS
def test_arguments_are_taken_as_declared(make: Callable[..., Any]) -> None:
    limit = _limit(make)
    made = limit(3, 10.0, note="n")
    assert (made.requests, made.window, made.names, made.secret) == (3, 10.0, ["a"], "s")
    assert (made.note, made.policy, made.unit) == ("n", "3;w=10.0", "hits")
    assert limit(3).names is not limit(3).names
    assert limit(3, names=["b"]).names == ["b"]
    with pytest.raises(TypeError, match=r"Limit\.__init__\(\) missing 1 required .*'requests'"):
        limit()
    with pytest.raises(TypeError, match="unexpected keyword argument 'policy'"):
        limit(1, policy="p")
    with pytest.raises(TypeError, match="positional"):
        limit(1, 2.0, [], "secret")


@MAKERS
def test_a_record_is_frozen_and_has_slots(make: Callable[..., Any]) -> None:
    made = _limit(make)(1)
    for name in ("requests", "policy"):
        with pytest.raises(FrozenInstanceError, match=f"cannot assign to field '{name}'"):
            setattr(made, name, 2)
        with pytest.raises(FrozenInstanceError, match=f"cannot delete field '{name}'"):
            delattr(made, name)
    assert not hasattr(made, "__dict__")
    with pytest.raises((AttributeError, TypeError)):
        made.other = 1


@MAKERS
def test_equal_are_records_of_one_class_whose_compared_fields_are(make: Callable[..., Any]) -> None:
    limit = _limit(make)
    assert limit(1) == limit(1, note="other")
    assert limit(1) != limit(2)
    assert limit(1, secret="a") != limit(1, secret="b")
    assert limit(1) != _limit(make)(1)
    assert limit(1) != 1
    with pytest.raises(TypeError, match="unhashable type: 'list'"):
        hash(limit(1))


@MAKERS
def test_what_is_secret_is_not_shown(make: Callable[..., Any]) -> None:
    shown = repr(_limit(make)(1))
    assert shown.endswith("Limit(requests=1, window=60.0, names=['a'], note='')")


@MAKERS
def test_tools_for_dataclasses_know_a_record(make: Callable[..., Any]) -> None:
    limit = _limit(make)
    names = ["requests", "window", "names", "secret", "note", "policy"]
    assert [each.name for each in fields(limit)] == names
    assert replace(limit(1), window=5.0) == limit(1, 5.0)
    assert limit.__match_args__ == ("requests", "window", "names")
    given = inspect.signature(limit).parameters
    assert [(each.name, str(each.annotation)) for each in given.values()] == [
        ("requests", "int"),
        ("window", "float"),
        ("names", "list[str]"),
        ("secret", "str"),
        ("note", "str"),
    ]


def test_a_record_is_hashed_by_its_fields() -> None:
    assert len({Point(x=1), Point(x=1, y=0), Point(x=2)}) == 2
    assert Nothing() == Nothing() != Point(x=1)
    assert hash(Nothing()) == hash(Nothing())


@pytest.mark.parametrize("record", [Point(x=1, y=2), Nothing()])
def test_a_record_is_copied_whole(record: object) -> None:
    assert copy.copy(record) == copy.deepcopy(record) == record
    assert pickle.loads(pickle.dumps(record)) == record  # noqa: S301  # our own bytes


def test_what_a_class_defines_itself_stays() -> None:
    @records.dataclass(frozen=True, slots=True)
    class Key:
        value: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Key)

        def __hash__(self) -> int:
            return 7

        def __repr__(self) -> str:
            return "Key(...)"

    @records.dataclass(frozen=True, slots=True, repr=False)
    class Hidden:
        value: str

        def __hash__(self) -> int:
            return 8

    assert (Key("a") == Key("b"), hash(Key("a")), repr(Key("a"))) == (True, 7, "Key(...)")
    assert (Hidden("a") == Hidden("b"), hash(Hidden("a"))) == (False, 8)
    assert "'a'" not in repr(Hidden("a"))


@pytest.mark.parametrize(
    "extend",
    [
        dataclasses.dataclass(frozen=True, kw_only=True),
        records.dataclass(frozen=True, slots=True, kw_only=True),
    ],
)
def test_a_record_is_extended_by_dataclasses_and_by_records(extend: Callable[[Any], Any]) -> None:
    @extend
    class Named(Point):
        name: str = ""

    named = Named(x=1, name="n")
    assert (named.x, named.y, named.name) == (1, 0, "n")
    assert named == Named(x=1, name="n") != Named(x=1)
    assert "name='n'" in repr(named)
    for name in ("x", "name"):
        with pytest.raises(FrozenInstanceError):
            setattr(named, name, 2)


@pytest.mark.parametrize(
    "options", [{"frozen": False, "slots": True}, {"frozen": True, "slots": False}]
)
def test_others_stay_with_the_original(options: dict[str, bool]) -> None:
    with pytest.raises(TypeError, match="a record is frozen and has slots"):
        records.dataclass(**options)


@MAKERS
def test_fields_that_no_caller_gives_have_their_defaults(make: Callable[..., Any]) -> None:
    @make(frozen=True, slots=True)
    class Page:
        number: int
        size: int = field(init=False, default=3)
        rows: list[int] = field(init=False, default_factory=list)

    assert (Page(1).size, Page(1).rows) == (3, [])
    assert Page(1).rows is not Page(1).rows
    assert replace(Page(1), number=2).number == 2


@MAKERS
def test_what_is_compared_in_its_own_way_is_hashed_all_the_same(make: Callable[..., Any]) -> None:
    class Base:
        __slots__ = ()

        def __hash__(self) -> int:
            return 7

    @make(frozen=True, slots=True)
    class Name(Base):
        text: str
        parts: list[str] = field(default_factory=list, hash=False)

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Name)

    assert Name("a") == Name("b")
    assert hash(Name("a")) == hash(Name("a")) != hash(Name("b"))
    assert hash(Name("a")) != 7


@MAKERS
def test_a_record_restores_itself_as_it_says_but_is_not_thawed(make: Callable[..., Any]) -> None:
    @make(frozen=True, slots=True)
    class Own:
        x: int

        def __setstate__(self, state: object) -> None:
            object.__setattr__(self, "x", 99)

    assert copy.copy(Own(1)).x == 99
    for name in ("__setattr__", "__delattr__"):
        with pytest.raises(TypeError, match=name):
            make(frozen=True, slots=True)(type("Thawed", (), {name: lambda *_: None}))
