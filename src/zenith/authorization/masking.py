"""What of a result may leave: found on the objects themselves, said in the words of Pydantic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields as fields_of
from dataclasses import is_dataclass
from typing import Any, Final, TypeAlias, cast

from pydantic import AliasChoices, AliasPath, BaseModel, RootModel, TypeAdapter
from pydantic.fields import FieldInfo

from zenith.authorization.authorizer import Masking
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.principal import Principal
from zenith.kernel.sensitive_types import field_names, sensitive_fields

Exclusion: TypeAlias = dict[Any, Any]
Names: TypeAlias = tuple[Any, ...]
EVERY: Final = "__all__"
ABSENT: Final = object()
ANYTHING: Final = TypeAdapter[Any](Any)
DECORATORS: Final = "__pydantic_decorators__"
SCALARS: Final = (str, bytes, int, float, complex, type(None))


class Mask:
    """One declaration of `masked`, for one caller and one result.

    Threat: an answer that carries more of an object than its reader may know (ASVS 8.2.3, 15.3.1).
    An object is asked about if it is of one of `kinds`; where none are named, if it is the result
    itself or a member of it, and then wherever else its kind appears. A field leaves if the policy
    shows it by name, or if it is among `also`: computed fields and relations are not the policy's.
    A policy that goes by marks (`SensitiveMask`) is asked about all that has marked fields, however
    deep it is, and about the shape in which it leaves too.
    """

    def __init__(
        self,
        policy: Masking,
        *,
        principal: Principal,
        action: str,
        kinds: tuple[type, ...] = (),
        also: frozenset[str] = frozenset(),
        context: Mapping[str, Any],
    ) -> None:
        self._policy: Final = policy
        self._by_marks: Final[bool] = getattr(policy, "by_marks", False)
        self._principal: Final = principal
        self._action: Final = action
        self._kinds = kinds
        self._named: Final = bool(kinds)
        self._also: Final = also
        self._context: Final = context
        self._met: Final[set[int]] = set()
        self._top: frozenset[int] = frozenset()

    def excluded(self, content: Any, value: Any, *, is_described: bool = False) -> Exclusion:
        """What to leave out of `value`, the shape in which `content` is about to leave.
        `is_described` says that the type of that shape has marked fields: then what has no fields
        of its own, such as a dictionary, is told by them.

        Raises ConfigurationError for a result of which some objects were not found in that shape,
        or that holds none at all: then nothing leaves.
        """
        content, value = _unwrapped(content), _unwrapped(value)
        if not self._named:
            top = [each for each in _members(content) if not isinstance(each, SCALARS)]
            if is_described and self._by_marks:
                top = [each for each in top if _has_fields(each)]
            self._top = frozenset(map(id, top))
            objects = [each for each in top if not isinstance(each, Mapping)]
            self._kinds = tuple({cast("type[object]", type(each)) for each in objects})
        found = self._compare(content, value)
        self._refuse_unmet(content, is_described=is_described and self._by_marks)
        if found is not True:
            return cast("Exclusion", found)
        if whole := {name: True for name, _ in _names(value)}:
            return whole
        raise _untold(content)

    def plain(self, content: Any) -> Any:
        """`content` as JSON's types, for results that no response model describes."""
        value = _readable(content)
        return ANYTHING.dump_python(
            value, mode="json", by_alias=True, exclude=self.excluded(content, value)
        )

    def _compare(self, content: Any, value: Any) -> Any:
        """Exclusions below `value`; True where all of it is to be left out."""
        value = _unwrapped(value)
        # What a response model has made of other things.
        content = value if content is ABSENT else _unwrapped(content)
        if self._is_asked(content) or self._is_marked(content):
            return self._compare_object(content, value)
        if self._is_marked(value):
            return self._compare_object(value, value)
        if isinstance(value, AbstractSet):
            # Nothing can be left out of a member of one.
            return any(map(self._is_marked, cast("AbstractSet[object]", value)))
        if _is_list(value):
            contents = content if _is_list(content) else value
            pairs = zip(contents, value, strict=False)
            return _found((n, self._compare(*pair)) for n, pair in enumerate(pairs))
        return _found(
            (name, self._compare(_source(content, names), _get(value, name)))
            for name, names in _names(value)
        )

    def _compare_object(self, content: Any, value: Any) -> Any:
        if self._by_marks and not _has_fields(content):
            # Marks are on types, and this one has none: those of the shape are asked, if there are.
            if not self._is_marked(value):
                return {}
            self._met.add(id(content))
            content = value
        self._met.add(id(content))
        may_leave = self._shown(content)
        if may_leave is None:
            return True
        parts = list(_names(value))
        if not parts:
            return True  # made of the whole object, hidden fields and all
        is_marked = value is not content and self._is_marked(value)
        also = (self._shown(value) or frozenset()) if is_marked else None
        excluded = _found(
            (
                name,
                not may_leave.issuperset(_present(content, names) or (name,))
                or (also is not None and name not in also)
                or self._compare(_source(content, names), _get(value, name)),
            )
            for name, names in parts
        )
        decorators: Any = getattr(cast("type[object]", type(value)), DECORATORS, None)
        if excluded and decorators is not None and decorators.model_serializers:
            raise ConfigurationError(
                f"masked() cannot tell what the serializer of {type(value).__name__} writes",
                fix="leave @model_serializer out, or answer with another response model",
            )
        return excluded

    def _shown(self, content: Any) -> frozenset[Any] | None:
        masked = self._policy.mask(self._principal, [content], self._action, self._context)
        return self._also.union(masked[0]) if masked and masked[0] else None

    def _is_asked(self, content: Any) -> bool:
        return id(content) in self._top or isinstance(content, self._kinds)

    def _is_marked(self, content: Any) -> bool:
        return self._by_marks and bool(sensitive_fields(cast("type[object]", type(content))))

    def _refuse_unmet(self, content: Any, *, is_described: bool) -> None:
        held = list(self._held(content))
        unmet = [each for each in held if self._is_asked(each) and id(each) not in self._met]
        if unmet or not (is_described or self._met or any(map(_is_empty, held))):
            raise _untold(*(unmet or [content]))

    def _held(self, content: Any) -> Iterator[Any]:
        """`content` and what it holds, down to the objects that are asked about."""
        yield content
        if self._is_asked(content):
            return
        if isinstance(content, (Sequence, AbstractSet)) and not isinstance(content, SCALARS):
            for each in cast("Iterable[Any]", content):
                yield from self._held(each)
        for name, _ in _names(_readable(content)):
            yield from self._held(_get(content, name))


def _untold(*contents: Any) -> ConfigurationError:
    kinds = ", ".join(sorted({cast("type[object]", type(each)).__name__ for each in contents}))
    return ConfigurationError(
        f"masked() cannot tell what of {kinds} is about to leave",
        fix="return the objects themselves, and name their kinds: masked(policy, Document)",
    )


def merged(ours: Any, theirs: Any) -> Any:
    """Exclusions of both, where `theirs` may be in any of Pydantic's forms."""
    if ours is True or theirs is True or theirs is Ellipsis:
        return True
    if not theirs:
        return ours
    also: Exclusion = dict.fromkeys(theirs, True)
    if isinstance(theirs, Mapping):
        also = dict(cast("Mapping[object, Any]", theirs))
    both = {
        name: merged(merged(ours.get(name, {}), also.get(name)), also.get(EVERY))
        for name in {*ours, *also} - {EVERY}
    }
    return {**both, EVERY: also[EVERY]} if EVERY in also else both


def _found(pairs: Iterable[tuple[Any, Any]]) -> Exclusion:
    return {name: found for name, found in pairs if found}


def _has_fields(content: Any) -> bool:
    return bool(field_names(cast("type[object]", type(content))))


def _members(content: Any) -> Sequence[Any]:
    return content if _is_list(content) else (content,)


def _unwrapped(value: Any) -> Any:
    while isinstance(value, RootModel):
        value = cast("RootModel[object]", value).root
    return value


def _is_list(content: Any) -> bool:
    return isinstance(content, Sequence) and not isinstance(content, SCALARS)


def _is_empty(content: Any) -> bool:
    return content is None or (
        isinstance(content, (Sequence, AbstractSet, Mapping))
        and not isinstance(content, SCALARS)
        and not content
    )


def _names(value: Any) -> Iterator[tuple[Any, Names]]:
    """The parts that `value` will be written with, and the names under which they were read."""
    kind: Any = cast("type[object]", type(value))
    if isinstance(value, Mapping):
        for name in cast("Mapping[object, Any]", value):
            yield name, (name,)
    elif isinstance(value, BaseModel):
        for name, field in kind.model_fields.items():
            yield name, _read_from(name, field)
        for name in (*kind.model_computed_fields, *(value.model_extra or ())):
            yield name, (name,)
    elif is_dataclass(kind):
        for each in fields_of(kind):
            yield each.name, (each.name,)


def _read_from(name: str, field: FieldInfo) -> Names:
    alias = field.validation_alias or field.alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    firsts = [each.path[0] if isinstance(each, AliasPath) else each for each in choices]
    return (*(each for each in firsts if each is not None), name)


def _present(content: Any, names: Names) -> list[Any]:
    return [name for name in names if _get(content, name) is not ABSENT]


def _source(content: Any, names: Names) -> Any:
    found = (_get(content, name) for name in names)
    return next((each for each in found if each is not ABSENT), ABSENT)


def _get(content: Any, name: Any) -> Any:
    if isinstance(content, Mapping):
        return cast("Mapping[object, Any]", content).get(name, ABSENT)
    return getattr(content, name, ABSENT) if isinstance(name, str) else ABSENT


def _readable(content: Any) -> Any:
    """`content` with mappings in the place of objects that Pydantic cannot write."""
    if isinstance(content, (*SCALARS, BaseModel)) or is_dataclass(content):
        return content
    if isinstance(content, Mapping):
        items = cast("Mapping[object, Any]", content).items()
        return {name: _readable(each) for name, each in items}
    if isinstance(content, Sequence):
        return [_readable(each) for each in cast("Sequence[object]", content)]
    own: Mapping[str, Any] | None = getattr(content, "__dict__", None)
    if not own or type(content).__module__ in ("builtins", "datetime", "decimal", "uuid"):
        return content
    return {name: _readable(each) for name, each in own.items() if name[:1] != "_"}
