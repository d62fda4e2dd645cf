"""`Sensitive[str, "pii"]`: one annotation marks a field as sensitive, and everything asks here.

Threat: what must be protected is known to one person and forgotten in the next ten places: a repr,
a log, a filter, an answer (ASVS 14.1.1, 14.2.4, 16.2.5). A field that is marked is left out of its
model's repr, replaced in what is logged, refused in filters and orders of clients, left out of
masked answers, and listed by `inventory`. Its value stays what it is: a `str` is a `str`. A value
that should not even be at hand without asking for it is a `Secret[str]` (`zenith.kernel.keys`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol, cast, get_args, get_origin

from zenith.kernel.aliases import aliases
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.principal import Principal
from zenith.kernel.redaction import REDACTED
from zenith.kernel.sensitive_types import (
    MAX_DEPTH,
    SECRET,
    SensitiveMark,
    field_names,
    holds_secret,
    mark_among,
    mark_in_bases,
    mark_of,
    models_in,
    sensitive_fields,
    types_of_fields,
)

__all__ = [
    "PII",
    "SECRET",
    "Quiet",
    "Sensitive",
    "SensitiveField",
    "SensitiveMark",
    "SensitiveMask",
    "inventory",
    "loggable",
    "mark_among",
    "mark_in_bases",
    "mark_of",
    "models_in",
    "sensitive_fields",
    "sensitive_names",
    "shown_fields",
    "with_inner",
]

PII: Final = "pii"
"""The category of what tells who somebody is."""


if TYPE_CHECKING:
    from typing import Annotated as Sensitive  # a marked type is the type
else:

    class Sensitive:
        """`Sensitive[str, "pii"]` is a `str` that is marked. Put it outermost:
        `Sensitive[str | None, "pii"]`, for Pydantic's repr shows what is only a part of its field's
        type, computed fields and what a `RootModel` holds. That of a `Quiet` model shows none.

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


class Quiet:
    """Put it before `BaseModel` or `RootModel` among the bases of a class: its repr leaves out all
    that is marked, wherever the mark stands.
    """

    def __repr_args__(self) -> Any:
        marks = sensitive_fields(type(self))
        above: Any = super()
        return [each for each in above.__repr_args__() if each[0] not in marks]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SensitiveField:
    """One line of the inventory."""

    model: str
    field: str
    category: str
    kind: str
    """The type of its values, as it is written."""
    is_shown: bool
    """Whether the repr of its model shows it: see `Sensitive`."""


def inventory(models: Iterable[type]) -> list[SensitiveField]:
    """Every sensitive field of `models`, Pydantic models and dataclasses, by model and field
    (ASVS 14.1.1). `Secret` fields are among them. Models that are only fields of others are found.
    """
    found: dict[tuple[str, str], SensitiveField] = {}
    for model in with_inner(models):
        for name, hint in types_of_fields(model).items():
            mark = sensitive_fields(model).get(name)
            if mark is not None:
                key = (f"{model.__module__}.{model.__qualname__}", name)
                found[key] = SensitiveField(
                    model=key[0],
                    field=name,
                    category=mark.category,
                    kind=_words(hint),
                    is_shown=_is_shown(model, name, hint),
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
            waiting += [
                kind for hint in types_of_fields(model).values() for kind in models_in(hint)
            ]
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


def loggable(value: object) -> object:
    """A model or dataclass as a log may have it: a dictionary in which sensitive fields are
    replaced, those of models inside of it too. Anything else is returned as it is.
    """
    return _Writer().write(value, MAX_DEPTH)


def shown_fields(value: object) -> dict[str, object] | None:
    """The fields of one model or dataclass, sensitive ones replaced; None for others."""
    kind = type(value)
    names = field_names(kind)
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
            for name in field_names(kind)
            if name not in marks or not self._hides(marks[name], may_see=may_see(name))
        }

    def _hides(self, mark: SensitiveMark, *, may_see: bool) -> bool:
        if mark.category == SECRET:
            return True
        return not may_see and (self._categories is None or mark.category in self._categories)


# Fields ------------------------------------------------------------------------------------------


def _is_shown(model: Any, name: str, hint: Any) -> bool:
    if issubclass(model, Quiet) or holds_secret(hint):
        return False
    if getattr(model, "__pydantic_root_model__", False):
        return True
    told: dict[str, Any] = dict(getattr(model, "__pydantic_fields__", {}))
    if not told and dataclasses.is_dataclass(model):
        told = {field.name: field for field in dataclasses.fields(model)}
    told |= getattr(model, "__pydantic_computed_fields__", {})
    return bool(getattr(told.get(name), "repr", True))


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
