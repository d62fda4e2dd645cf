"""`Sensitive[str, "pii"]`: one annotation marks a field as sensitive, and everything asks here.

Threat: what must be protected is known to one person and forgotten in the next ten places: a repr,
a log, a filter, an answer (ASVS 14.1.1, 14.2.4, 16.2.5). A field that is marked is left out of its
model's repr, replaced in what is logged, refused in filters and orders of clients, left out of
masked answers, and listed by `inventory`. Its value stays what it is: a `str` is a `str`. A value
that should not even be at hand without asking for it is a `Secret[str]` (`zenith.kernel.keys`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Protocol,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from zenith.kernel.aliases import aliases
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.kernel.principal import Principal
from zenith.kernel.redaction import REDACTED

__all__ = [
    "PII",
    "SECRET",
    "Sensitive",
    "SensitiveField",
    "SensitiveMark",
    "SensitiveMask",
    "inventory",
    "loggable",
    "mark_among",
    "mark_of",
    "models_in",
    "sensitive_fields",
    "sensitive_names",
    "shown_fields",
    "with_inner",
]

MAX_DEPTH: Final = 8
"""Levels of nested types and values that are looked into."""
PII: Final = "pii"
"""The category of what tells who somebody is."""
SECRET: Final = "secret"
"""The category of what no JSON ever holds: stars stand for it."""


@dataclasses.dataclass(frozen=True, slots=True)
class SensitiveMark:
    """What an annotation says of a field."""

    category: str
    """Why it is sensitive, in the words of your own inventory: "pii", "health", "secret"."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        """As the type alone, but for JSON of what is secret."""
        from pydantic_core import core_schema  # noqa: PLC0415  # who has no models needs none

        schema = handler(source)
        if self.category != SECRET:
            return schema
        stars = core_schema.plain_serializer_function_ser_schema(_stars, when_used="json")
        return {**schema, "serialization": stars}


def _stars(value: object) -> str:
    del value
    return "***"


if TYPE_CHECKING:
    from typing import Annotated as Sensitive  # a marked type is the type
else:

    class Sensitive:
        """`Sensitive[str, "pii"]` is a `str` that is marked. Put it outermost:
        `Sensitive[str | None, "pii"]`, for a repr shows what is only a part of its field's type.

        The category "secret" also puts stars for the value into all JSON, answers among it.
        """

        def __class_getitem__(cls, given: Any) -> Any:
            kind, category, *more = given if isinstance(given, tuple) else (given, "")
            if more or not isinstance(category, str) or not category:
                raise ConfigurationError(
                    "Sensitive takes a type and a category", fix='write Sensitive[str, "pii"]'
                )
            from pydantic import Field  # noqa: PLC0415  # who has no models does not wait for it

            return Annotated[kind, SensitiveMark(category), Field(repr=False)]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SensitiveField:
    """One line of the inventory."""

    model: str
    field: str
    category: str
    kind: str
    """The type of its values, as it is written."""
    is_outermost: bool
    """False where the mark is on a part of the type: the model's own repr shows the field."""


def inventory(models: Iterable[type]) -> list[SensitiveField]:
    """Every sensitive field of `models`, Pydantic models and dataclasses, by model and field
    (ASVS 14.1.1). `Secret` fields are among them. Models that are only fields of others are found.
    """
    found: dict[tuple[str, str], SensitiveField] = {}
    for model in with_inner(models):
        for name, hint in _hints(model).items():
            mark = mark_of(hint)
            if mark is not None:
                key = (f"{model.__module__}.{model.__qualname__}", name)
                found[key] = SensitiveField(
                    model=key[0],
                    field=name,
                    category=mark.category,
                    kind=_words(hint),
                    is_outermost=_outer_mark(hint) is not None or _holds_secret(hint),
                )
    return [found[key] for key in sorted(found)]


def with_inner(models: Iterable[type]) -> list[type]:
    """`models` and those that their fields hold, each once."""
    found: dict[type, None] = {}
    waiting = list(models)
    while waiting:
        model = waiting.pop()
        if model not in found:
            found[model] = None
            waiting += [kind for hint in _hints(model).values() for kind in models_in(hint)]
    return list(found)


def sensitive_names(models: Iterable[type]) -> frozenset[str]:
    """The names of all sensitive fields of `models`, and those that they bear outside (aliases of
    Pydantic), for `Redactor(names)`.
    """
    found: set[str] = set()
    for model in with_inner(models):
        for name in sensitive_fields(model):
            found.update((name, *aliases(model, name)))
    return frozenset(found)


def models_in(hint: Any) -> tuple[type, ...]:
    """The models and dataclasses that a type holds, in order."""
    return tuple(kind for kind in _kinds_in(hint, MAX_DEPTH) if _has_fields(kind))


def sensitive_fields(model: type) -> Mapping[str, SensitiveMark]:
    """The sensitive fields of one model, by name."""
    return _fields_of(cast("Any", model))


def mark_of(hint: Any) -> SensitiveMark | None:
    """The mark in a type, wherever in it; None where there is none."""
    outer = _outer_mark(hint)
    if outer is not None:
        return outer
    return next(_marks_in(hint, MAX_DEPTH), None)


def mark_among(metadata: Iterable[object], annotation: Any = None) -> SensitiveMark | None:
    """The mark of a Pydantic field, from its metadata and its annotation."""
    for each in metadata:
        if isinstance(each, SensitiveMark):
            return each
    return mark_of(annotation)


def loggable(value: object) -> object:
    """A model or dataclass as a log may have it: a dictionary in which sensitive fields are
    replaced, those of models inside of it too. Anything else is returned as it is.
    """
    return _Writer().write(value, MAX_DEPTH)


def shown_fields(value: object) -> dict[str, object] | None:
    """The fields of one model or dataclass, sensitive ones replaced; None for others."""
    kind = type(value)
    names = _field_names(kind)
    if not names:
        return None
    marks = sensitive_fields(kind)
    # Not by getattr, where it can be helped: that may run code, or ask a database.
    held: Mapping[str, Any] | None = getattr(value, "__dict__", None)
    if held is None:
        held = {name: getattr(value, name, None) for name in names}
    return {name: REDACTED if name in marks else held.get(name) for name in names}


class FieldPolicy(Protocol):
    """What says which fields of objects somebody may see: a Policy, whose rules name fields."""

    def mask(
        self,
        subject: Any,
        objects: Sequence[Any],
        action: str = "read",
        context: Mapping[str, Any] | None = None,
    ) -> Sequence[Mapping[str, Any]]:
        """The fields of each object that may be seen."""
        ...


class SensitiveMask:
    """Leaves sensitive fields out of answers: `@masked(SensitiveMask("patients:read-all"))`.

    Threat: an answer with more of an object than its reader may know (ASVS 8.2.3, 15.3.1). Callers
    with the permission `unless` see all but what is "secret"; with a policy in its place they see
    of the sensitive fields those that it shows them, object by object; without `unless` nobody sees
    any. `categories` are those that are left out; None stands for all.
    """

    __slots__ = ("_categories", "_unless")
    by_marks: Final = True  # asked about whatever has such a field, wherever it is in an answer

    def __init__(
        self,
        unless: str | FieldPolicy | None = None,
        *,
        categories: Collection[str] | None = None,
    ) -> None:
        self._unless: Final = unless
        self._categories: Final = None if categories is None else frozenset(categories)

    async def refresh(self) -> None:
        """Have a policy that can change look whether it has."""
        refresh = getattr(self._unless, "refresh", None)
        if refresh is not None:
            await refresh()

    def mask(
        self,
        subject: Principal,
        objects: Sequence[Any],
        action: str = "read",
        context: Mapping[str, Any] | None = None,
    ) -> Sequence[Mapping[str, Any]]:
        """Each object as a mapping of the fields that may be seen."""
        unless = self._unless
        if unless is None or isinstance(unless, str):
            may_see = unless is not None and subject.has_permission(unless)
            return [self._masked(each, may_see=lambda _: may_see) for each in objects]
        seen = unless.mask(subject, objects, action, context)
        return [
            self._masked(each, may_see=names.__contains__)
            for each, names in zip(objects, seen, strict=True)
        ]

    def _masked(self, value: Any, *, may_see: Callable[[str], bool]) -> Mapping[str, Any]:
        kind = cast("type[object]", type(value))
        marks = sensitive_fields(kind)
        return {
            name: getattr(value, name)
            for name in _field_names(kind)
            if name not in marks or not self._hides(marks[name], may_see=may_see(name))
        }

    def _hides(self, mark: SensitiveMark, *, may_see: bool) -> bool:
        if mark.category == SECRET:
            return True
        return not may_see and (self._categories is None or mark.category in self._categories)


# Types -------------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def _fields_of(model: Any) -> Mapping[str, SensitiveMark]:
    marks = {name: mark_of(hint) for name, hint in _hints(model).items()}
    return {name: mark for name, mark in marks.items() if mark is not None}


def _hints(model: type) -> Mapping[str, Any]:
    """The fields of a model with their whole types."""
    names = _field_names(model)
    if not names:
        return {}
    fields: Mapping[str, Any] | None = getattr(model, "__pydantic_fields__", None)
    if fields is None:
        return _hints_of_dataclass(model)
    # Pydantic has taken the types apart; the outermost marks are in the metadata.
    return {
        name: Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
        for name, field in fields.items()
    }


def _hints_of_dataclass(model: Any) -> Mapping[str, Any]:
    """Types that can be known only to type checkers are read as they are written."""
    fields = dataclasses.fields(model)
    try:
        hints = get_type_hints(model, include_extras=True)
    except (NameError, AttributeError, TypeError, SyntaxError):
        hints = {field.name: _written(field.type) for field in fields}
    return {field.name: hints.get(field.name, object) for field in fields}


def _written(hint: Any) -> Any:
    if isinstance(hint, str) and ("Sensitive[" in hint or "Secret" in hint):
        return Annotated[object, SensitiveMark("unknown")]
    return object if isinstance(hint, str) else hint


def _field_names(model: type) -> tuple[str, ...]:
    fields: Any = getattr(model, "__pydantic_fields__", None)
    if isinstance(fields, dict):
        return tuple(cast("dict[str, Any]", fields))
    if dataclasses.is_dataclass(model):
        return tuple(field.name for field in dataclasses.fields(model))
    return ()


def _has_fields(kind: Any) -> bool:
    return isinstance(kind, type) and bool(_field_names(kind))


def _outer_mark(hint: Any) -> SensitiveMark | None:
    for each in getattr(hint, "__metadata__", ()):
        if isinstance(each, SensitiveMark):
            return each
    return None


def _marks_in(hint: Any, depth: int) -> Iterator[SensitiveMark]:
    if _is_secret(hint):
        yield SensitiveMark(SECRET)
    mark = _outer_mark(hint)
    if mark is not None:
        yield mark
    if depth:
        for inner in get_args(hint):
            yield from _marks_in(inner, depth - 1)


def _is_secret(hint: Any) -> bool:
    return hint is Secret or get_origin(hint) is Secret


def _holds_secret(hint: Any) -> bool:
    """A `Secret` hides itself, wherever it is."""
    return any(_is_secret(kind) for kind in _kinds_in(hint, MAX_DEPTH))


def _kinds_in(hint: Any, depth: int) -> Iterator[Any]:
    yield hint
    if depth:
        for inner in get_args(hint):
            yield from _kinds_in(inner, depth - 1)


def _words(hint: Any) -> str:
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint)


# Values ------------------------------------------------------------------------------------------


class _Writer:
    """Writes one value out, bounded: what holds itself ends somewhere."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def write(self, value: Any, depth: int) -> Any:
        self._left -= 1
        held: Any = value
        fields = shown_fields(value)
        if fields is None and not isinstance(value, Mapping | list | tuple):
            return value
        if depth <= 0 or self._left <= 0:
            return f"<{cast('type[object]', type(held)).__name__}>"
        if fields is not None:
            return {name: self.write(inner, depth - 1) for name, inner in fields.items()}
        if isinstance(value, Mapping):
            return {key: self.write(inner, depth - 1) for key, inner in held.items()}
        return [self.write(inner, depth - 1) for inner in held]


MAX_VALUES: Final = 1000
"""Values of one object that are written out."""
