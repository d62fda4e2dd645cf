"""What types say is sensitive: the mark, and where in models, dataclasses and types it stands."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, Final, cast, get_args, get_origin, get_type_hints

from zenith.kernel.keys import Secret

MAX_DEPTH: Final = 8
"""Levels of nested types and values that are looked into."""
SECRET: Final = "secret"
"""The category of what no JSON ever holds: stars stand for it."""
_UNREADABLE: Final = (NameError, AttributeError, TypeError, SyntaxError)


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


def sensitive_fields(model: type) -> Mapping[str, SensitiveMark]:
    """The sensitive fields of one model, by name; computed ones are among them, and those that a
    base has marked: what is sensitive stays so in subclasses.
    """
    return _fields_of(cast("Any", model))


def mark_of(hint: Any) -> SensitiveMark | None:
    """The mark in a type, wherever in it; None where there is none."""
    return outer_mark(hint) or next(_marks_in(hint, MAX_DEPTH), None)


def mark_among(metadata: Iterable[object], annotation: Any = None) -> SensitiveMark | None:
    """The mark of a Pydantic field, from its metadata and its annotation."""
    for each in metadata:
        if isinstance(each, SensitiveMark):
            return each
    return mark_of(annotation)


def mark_in_bases(model: type, name: str) -> SensitiveMark | None:
    """The mark that a field has in a base of `model`."""
    bases = model.__mro__[1:]
    return next((marks[name] for base in bases if name in (marks := sensitive_fields(base))), None)


def models_in(hint: Any) -> tuple[type, ...]:
    """The models and dataclasses that a type holds, in order; named tuples and typed dictionaries
    are among them.
    """
    return tuple(kind for kind in _kinds_in(hint, MAX_DEPTH) if _has_fields(kind))


def types_of_fields(model: type) -> Mapping[str, Any]:
    """The fields of a model with their whole types, and its computed fields."""
    fields: Mapping[str, Any] | None = getattr(model, "__pydantic_fields__", None)
    if not isinstance(fields, dict):
        return _written_types(model) if field_names(model) else {}
    # Pydantic has taken the types apart; the outermost marks are in the metadata.
    found: dict[str, Any] = {
        name: Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
        for name, field in fields.items()
    }
    computed: Mapping[str, Any] = getattr(model, "__pydantic_computed_fields__", {})
    return found | {name: each.return_type for name, each in computed.items()}


def field_names(model: Any) -> tuple[str, ...]:
    """The names of the fields of a model; empty for other types."""
    fields: Any = getattr(model, "__pydantic_fields__", None)
    if isinstance(fields, dict):
        return tuple(cast("dict[str, Any]", fields))
    if dataclasses.is_dataclass(model):
        return tuple(field.name for field in dataclasses.fields(model))
    if is_plain_record(model):
        return tuple(getattr(model, "__annotations__", ()))
    return ()


def outer_mark(hint: Any) -> SensitiveMark | None:
    """The mark of the whole type; None where only a part of it has one."""
    for each in getattr(hint, "__metadata__", ()):
        if isinstance(each, SensitiveMark):
            return each
    return None


def holds_secret(hint: Any) -> bool:
    """A `Secret` hides itself, wherever it is."""
    return any(_is_secret(kind) for kind in _kinds_in(hint, MAX_DEPTH))


@lru_cache(maxsize=1024)
def _fields_of(model: Any) -> Mapping[str, SensitiveMark]:
    marks: dict[str, SensitiveMark] = {}
    for name, hint in types_of_fields(model).items():
        mark = mark_of(hint) or mark_in_bases(model, name)
        if mark is not None:
            marks[name] = mark
    return marks


def _written_types(model: Any) -> Mapping[str, Any]:
    """Of what is no Pydantic model. Types that only type checkers know are read as they are
    written.
    """
    names = field_names(model)
    try:
        hints = get_type_hints(model, include_extras=True)
    except _UNREADABLE:
        own = dataclasses.fields(model) if dataclasses.is_dataclass(model) else ()
        raw = {each.name: each.type for each in own} or vars(model).get("__annotations__", {})
        hints = {name: _written(raw.get(name)) for name in names}
    return {name: hints.get(name, object) for name in names}


def _written(hint: Any) -> Any:
    hint = getattr(hint, "__forward_arg__", hint)
    if isinstance(hint, str) and ("Sensitive[" in hint or "Secret" in hint):
        return Annotated[object, SensitiveMark("unknown")]
    return object if isinstance(hint, str) else hint


def _has_fields(kind: Any) -> bool:
    return isinstance(kind, type) and bool(field_names(kind))


def is_plain_record(kind: Any) -> bool:
    """A typed dictionary or a named tuple: values of the one know nothing of their type, and of
    the other no member can be left out.
    """
    if not isinstance(kind, type):
        return False
    bases = kind.__mro__
    # By what they have: `typing_extensions` makes typed dictionaries of its own.
    return (dict in bases and "__total__" in kind.__dict__) or (
        tuple in bases and hasattr(cast("object", kind), "_field_defaults")
    )


def _marks_in(hint: Any, depth: int) -> Iterator[SensitiveMark]:
    if _is_secret(hint):
        yield SensitiveMark(SECRET)
    mark = outer_mark(hint)
    if mark is not None:
        yield mark
    if depth:
        for inner in _parts(hint):
            yield from _marks_in(inner, depth - 1)
        if is_plain_record(hint):
            for inner in _written_types(hint).values():
                yield from _marks_in(inner, depth - 1)


def _kinds_in(hint: Any, depth: int) -> Iterator[Any]:
    yield hint
    if depth:
        for inner in _parts(hint):
            yield from _kinds_in(inner, depth - 1)


def _parts(hint: Any) -> tuple[Any, ...]:
    """What a type is made of; of an alias (`type Name = ...`) what it stands for, too."""
    parts: tuple[Any, ...] = get_args(hint)
    if not parts and isinstance(hint, type):
        return parts
    alias: Any = hint
    try:
        return (*parts, alias.__value__)
    except (*_UNREADABLE, RecursionError):
        return parts


def _is_secret(hint: Any) -> bool:
    return hint is Secret or get_origin(hint) is Secret
