"""Frozen records: `dataclasses.dataclass` for classes that are frozen and have slots.

Dataclasses compile six methods for each class. With the records and settings of a whole application
that is a third of the time of its import, and what freezes a class makes each of its objects slow
to build. Here only `__init__` is compiled, and it fills the slots directly, which takes half the
time; all other methods are shared. Type checkers read the original, whose behaviour this one has:
fields, defaults, `replace`, `__post_init__`, `==` and `hash` within a class, FrozenInstanceError.
What is not frozen, has no slots or takes InitVar stays with the original, and what extends a record
is made by it.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, FrozenInstanceError, fields, is_dataclass
from dataclasses import dataclass as original
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["dataclass"]


class _Shared:
    """The methods that all records have from here, and not each its own."""

    def __setattr__(self, name: str, _: object) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __setstate__(self, state: tuple[None, dict[str, object]]) -> None:
        for name, value in state[1].items():
            object.__setattr__(self, name, value)


def _frozen(
    *,
    frozen: bool,
    slots: bool,
    kw_only: bool = False,
    repr: bool = True,  # noqa: A002  # as the original calls it
) -> Callable[[Any], Any]:
    if not (frozen and slots):
        raise TypeError("a record is frozen and has slots; others take dataclasses.dataclass")

    def decorate(cls: Any) -> Any:
        if any(is_dataclass(base) for base in cls.__bases__):
            extend: Any = original(frozen=True, slots=True, kw_only=kw_only, repr=repr)
            return extend(cls)
        own: dict[str, Any] = dict(cls.__dict__)
        for name in ("__setattr__", "__delattr__"):
            if name in own:
                raise TypeError(f"{cls.__name__} is frozen and has a {name} of its own")
        for name in ("__setattr__", "__delattr__", "__setstate__"):
            setattr(cls, name, own.get(name, vars(_Shared)[name]))
        make: Any = original(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)
        made = make(cls)
        made.__dataclass_params__.frozen = True
        made.__init__ = _initialiser(made, fields(made))
        _compare(made, own)
        if repr and "__repr__" not in own:
            made.__repr__ = _shown([each.name for each in fields(made) if each.repr])
        return made

    return decorate


def _compare(cls: Any, own: dict[str, Any]) -> None:
    compared = [each.name for each in fields(cls) if each.compare]
    counted = [
        each.name for each in fields(cls) if (each.compare if each.hash is None else each.hash)
    ]
    values = attrgetter("__class__", *compared)
    parts = values if counted == compared else attrgetter("__class__", *counted)

    def equal(record: object, other: object) -> Any:
        if other.__class__ is not record.__class__:
            return NotImplemented
        return values(record) == values(other)

    def hashed(record: object) -> int:
        return hash(parts(record))

    if "__eq__" not in own:
        cls.__eq__ = equal
    # Python itself puts None there for a class that compares in its own way.
    if own.get("__hash__") is None:
        cls.__hash__ = hashed


def _shown(names: Sequence[str]) -> Callable[[object], str]:
    def show(record: object) -> str:
        values = ", ".join(f"{name}={getattr(record, name)!r}" for name in names)
        return f"{record.__class__.__qualname__}({values})"

    return show


def _initialiser(cls: Any, all_fields: Sequence[Field[Any]]) -> Callable[..., None]:
    """Python's own way to take arguments; each is put into its slot by the slot's descriptor."""
    known: dict[str, Any] = {"_MISSING": MISSING}
    positional, by_name, steps = ["self"], list[str](), list[str]()
    taken = [each for each in all_fields if each.init]
    for index, each in enumerate(all_fields):
        name, default, value = each.name, f"_default{index}", each.name
        parameter = f"{name}={default}"
        if each.default is not MISSING:
            known[default] = each.default
        elif each.default_factory is not MISSING:
            known[default] = each.default_factory
            parameter, value = f"{name}=_MISSING", f"{default}() if {name} is _MISSING else {name}"
        else:
            parameter = name
        if each.init:
            (by_name if each.kw_only else positional).append(parameter)
        elif default in known:
            value = default if each.default is not MISSING else f"{default}()"
        else:
            continue
        known[f"_set{index}"] = getattr(cls, name).__set__
        steps.append(f"_set{index}(self, {value})")
    if by_name:
        positional.extend(["*", *by_name])
    if hasattr(cls, "__post_init__"):
        steps.append("self.__post_init__()")
    text = f"def __init__({', '.join(positional)}):\n " + ("; ".join(steps) or "pass")
    exec(text, known)  # noqa: S102  # names and defaults of a class in this package, no input
    made: Callable[..., None] = known["__init__"]
    made.__module__, made.__qualname__ = cls.__module__, f"{cls.__qualname__}.__init__"
    made.__annotations__ = {each.name: each.type for each in taken} | {"return": None}
    return made


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _frozen
