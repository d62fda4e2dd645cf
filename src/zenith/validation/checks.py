"""Asynchronous validators: what only a database or another service can say about a field.

They run after Pydantic's, all at once but bounded in number and time, and their faults look like
any other. What they find true may be false a moment later: that a name is unique is settled by the
database (`uniqueness`).
"""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeVar, cast

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from zenith.kernel.background import end
from zenith.kernel.errors import ConfigurationError, ValidationError
from zenith.validation.errors import ChecksTimeoutError, Fault, Location, fault, fault_of

MARK: Final = "__zenith_checked_fields__"
MAX_CHECKS: Final = 100
"""Checks for one input: a list of thousands must not become as many queries (ASVS 2.4.1)."""
MAX_DEPTH: Final = 64
"""Levels of models and lists within each other; what lies deeper is refused, not passed over."""
AT_ONCE: Final = 8
WITHIN: Final = 5.0
"""Seconds that all checks of one input may take."""
NO_CONTEXT: Final[Mapping[str, Any]] = MappingProxyType({})
Check: TypeAlias = Callable[..., Awaitable[object]]
F = TypeVar("F", bound=Callable[..., Any])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CheckInfo:
    """What a validator may ask for beside the value, as its second argument."""

    model: BaseModel
    """The whole model, valid but for what is being checked."""
    field: str | None
    context: Mapping[str, Any] = dataclasses.field(default_factory=lambda: NO_CONTEXT)
    """What the caller of `check` passed."""


def async_field_validator(*fields: str) -> Callable[[F], F]:
    """Check fields once the model is valid: `@async_field_validator("username")` over
    `async def is_free(cls, value: str) -> None`, or `(cls, value, info: CheckInfo)`.

    ValueError, AssertionError and PydanticCustomError are faults of the field; anything else is an
    error of the application. A validator checks and changes nothing: values are brought into their
    form before (`zenith.validation.canonical`). What it raises is read by the client.
    """
    given: tuple[Any, ...] = fields
    if not given or not all(isinstance(name, str) for name in given):
        raise ConfigurationError(
            "async_field_validator takes names of fields",
            fix='write @async_field_validator("username")',
        )
    return _marked(fields)


def async_model_validator(function: F) -> F:
    """The same for a model as a whole: `async def fits(cls, model) -> None`."""
    return _marked((None,))(function)


def _marked(fields: tuple[str | None, ...]) -> Callable[[F], F]:
    def mark(function: F) -> F:
        given: Any = function
        plain: Any = getattr(given, "__func__", given)
        if not inspect.iscoroutinefunction(plain):
            raise ConfigurationError(
                f"{getattr(plain, '__qualname__', plain)} is no `async def`",
                fix="make it one, or use Pydantic's field_validator",
            )
        setattr(plain, MARK, fields)
        return cast("F", given if isinstance(given, classmethod) else classmethod(plain))

    return mark


async def check(
    model: BaseModel,
    *,
    at: Sequence[str | int] = ("body",),
    within: float = WITHIN,
    at_once: int = AT_ONCE,
    context: Mapping[str, Any] = NO_CONTEXT,
) -> None:
    """Run the asynchronous validators of `model` and of the models in it.

    `at` is where it stood in the request, `within` is in seconds, `at_once` is how many run at the
    same time. Raises ValidationError (422) with a fault for each check that fails, and
    ChecksTimeoutError (503) when time is over: what could not be checked is not taken. Checks that
    still run are then stopped.
    """
    planned: list[_Planned] = []
    for each in _planned(model, tuple(at), context, MAX_DEPTH):
        planned.append(each)
        if len(planned) > MAX_CHECKS:
            found = fault(tuple(at), "too_many_checks", "Input has too many parts to be checked")
            raise ValidationError([found], reason="more checks than are made for one input")
    faults = await _run(planned, within=within, at_once=at_once) if planned else []
    if faults:
        raise ValidationError(faults)


@dataclasses.dataclass(frozen=True, slots=True)
class _Planned:
    location: Location
    call: Callable[[], Awaitable[object]]


async def _run(planned: Sequence[_Planned], *, within: float, at_once: int) -> list[Fault]:
    turns = asyncio.Semaphore(at_once)
    tasks = [asyncio.ensure_future(_one(each, turns)) for each in planned]
    try:
        done, waiting = await asyncio.wait(
            tasks, timeout=within, return_when=asyncio.FIRST_EXCEPTION
        )
        for task in tasks:
            if task.cancelled():
                # By what it waited for, and not by the client: that one gets an answer.
                raise ChecksTimeoutError(reason="a check was cancelled")
            if task in done and task.exception() is not None:
                raise cast("BaseException", task.exception())
        if waiting:
            raise ChecksTimeoutError(reason=f"{len(waiting)} checks took over {within} seconds")
        return [found for task in tasks if (found := task.result()) is not None]
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            await end(task)


async def _one(planned: _Planned, turns: asyncio.Semaphore) -> Fault | None:
    async with turns:
        try:
            answer = await planned.call()
        except (ValueError, AssertionError, PydanticCustomError) as error:
            return fault_of(planned.location, error)
    if answer is not None:
        raise ConfigurationError(
            "an asynchronous validator returned a value",
            fix="return nothing: raise ValueError if the value does not hold",
        )
    return None


# Which checks there are --------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def _checks_of(model: Any) -> tuple[tuple[str, str | None, bool], ...]:
    """Method, field, and whether it wants the CheckInfo, in the order of the fields."""
    names = list(model.__pydantic_fields__)
    found: dict[str, tuple[str, tuple[str | None, ...], bool]] = {}
    for kind in reversed(model.__mro__):
        for name, member in cast("Mapping[str, Any]", vars(kind)).items():
            plain = getattr(member, "__func__", member)
            if hasattr(plain, MARK):
                found[name] = (name, getattr(plain, MARK), _wants_info(plain))
            else:
                found.pop(name, None)
    checks: list[tuple[str, str | None, bool]] = []
    for name, fields, wants in found.values():
        for each in fields:
            if each is not None and each not in names:
                raise ConfigurationError(
                    f"{model.__name__}.{name} checks `{each}`, which is no field",
                    fix="choose among " + ", ".join(names),
                )
            checks.append((name, each, wants))
    return tuple(sorted(checks, key=lambda line: -1 if line[1] is None else names.index(line[1])))


def _wants_info(function: Any) -> bool:
    return len(inspect.signature(function).parameters) > VALUE_ONLY


VALUE_ONLY: Final = 2
"""Parameters of a validator that takes the class and the value."""


def _planned(
    value: object, location: Location, context: Mapping[str, Any], depth: int
) -> Iterator[_Planned]:
    if isinstance(value, BaseModel):
        for name, field_name, wants in _checks_of(cast("Any", type(value))):
            yield _plan(value, name, field_name, wants, location, context)
    for place, inner in _parts(value):
        if isinstance(inner, _HOLDERS) or dataclasses.is_dataclass(inner):
            if not depth:
                found = fault(location, "too_deep", "Input is nested too deep to be checked")
                raise ValidationError([found], reason="nested deeper than checks look")
            yield from _planned(cast("object", inner), (*location, place), context, depth - 1)


_HOLDERS: Final = (BaseModel, Mapping, list, tuple, AbstractSet, deque)
"""What may hold a model, beside dataclasses."""


def _parts(value: object) -> Iterator[tuple[str | int, object]]:
    if isinstance(value, BaseModel):
        for name, described in type(value).model_fields.items():
            yield _alias(described, name), getattr(value, name, None)
        yield from (value.model_extra or {}).items()
    elif dataclasses.is_dataclass(value):
        for each in dataclasses.fields(value):
            yield each.name, getattr(value, each.name, None)
    elif isinstance(value, Mapping):
        for key, inner in cast("Mapping[object, object]", value).items():
            yield str(key), inner
    else:
        yield from enumerate(cast("Iterable[object]", value))


def _plan(
    model: BaseModel,
    name: str,
    field_name: str | None,
    wants: bool,
    location: Location,
    context: Mapping[str, Any],
) -> _Planned:
    method: Check = getattr(type(model), name)
    value: Any = model
    if field_name is not None:
        value = getattr(model, field_name)
        location = (*location, _alias(type(model).model_fields[field_name], field_name))
    if not wants:
        return _Planned(location, lambda: method(value))
    info = CheckInfo(model=model, field=field_name, context=context)
    return _Planned(location, lambda: method(value, info))


def _alias(described: Any, name: str) -> str:
    alias = described.validation_alias or described.alias
    return alias if isinstance(alias, str) else name
