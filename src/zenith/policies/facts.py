"""Reading attributes of subjects, resources and contexts, without running any of their code.

Threat: an attribute path that walks into the interpreter (`__class__`, `__globals__`), that calls a
method, or that runs a property whose side effects or answer the caller chooses. A fact is what an
object stores: an entry of a mapping, an instance attribute, a slot, a mapped column. Properties,
methods, `__getattr__` and private names are not there. What is not there, or null, reads as None.

Columns of a mapped row that are not loaded are loaded, or raise what the mapper raises: to read
them as absent would let a rule that denies overlook them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from types import GetSetDescriptorType, MappingProxyType, MemberDescriptorType
from typing import Any, Final, NamedTuple, TypeAlias, cast

from zenith.kernel.principal import Principal
from zenith.policies.conditions import ROOTS, Reference

Facts: TypeAlias = tuple[object, object, object, str]
"""Subject, resource, context and action, in the order of `ROOTS`."""
Read: TypeAlias = Callable[[Facts], object]

KNOWN_PLANS: Final = 4096
"""Pairs of class and attribute for which the way to read is remembered."""
DICT: Final[type] = dict
entry: Final = cast(Callable[[object, str], object], dict.get)
"""What a dictionary holds, whatever methods its class overrides."""
_ABSENT: Final = object()


def reader(reference: Reference) -> Read:
    """A function that reads one attribute."""
    index, path = ROOTS.index(reference.root), reference.path
    if reference.root == "action":
        return _action
    if len(path) == 1:
        return _reader_of_one(index, path[0])

    def read(facts: Facts) -> object:
        value = facts[index]
        for name in path:
            if value is None:
                return None
            value = fact(value, name)
        return value

    return read


def fact(source: object, name: str) -> object:
    """The attribute `name` that `source` stores, or None. `name` is not private."""
    kind: Any = type(source)
    if kind is DICT:
        return entry(source, name)
    if source is None or issubclass(kind, type):
        return None
    if issubclass(kind, dict):
        return entry(source, name)
    if issubclass(kind, Principal):
        return _of_principal(cast(Principal, source), name)
    if issubclass(kind, Mapping):
        try:
            return cast(Mapping[str, object], source)[name]
        except LookupError:
            return None
    return _plan(kind, name)(source)


def is_there(value: object) -> bool:
    """Whether an attribute that reads as `value` exists: null and callables do not."""
    return value is not None and not callable(value)


def _action(facts: Facts) -> object:
    return facts[3]


def _reader_of_one(index: int, name: str) -> Read:
    def read(facts: Facts) -> object:
        source = facts[index]
        return entry(source, name) if type(source) is DICT else fact(source, name)

    return read


def _of_principal(principal: Principal, name: str) -> object:
    read = _PRINCIPAL.get(name)
    return None if read is None else read(principal)


_PRINCIPAL: Final[Mapping[str, Callable[[Principal], object]]] = MappingProxyType(
    {
        # Nobody has no id: an empty owner is not theirs.
        "id": lambda principal: principal.subject or None,
        "subject": lambda principal: principal.subject or None,
        "kind": lambda principal: principal.kind,
        "roles": lambda principal: principal.roles,
        "permissions": lambda principal: principal.permissions,
        "scopes": lambda principal: principal.scopes,
        "session_id": lambda principal: principal.session_id,
        "factors": lambda principal: principal.factors,
        "tenant": lambda principal: principal.tenant,
        "scheme": lambda principal: principal.scheme or None,
        "is_authenticated": lambda principal: principal.is_authenticated,
    }
)


@lru_cache(maxsize=KNOWN_PLANS)
def _plan(kind: Any, name: str) -> Callable[[object], object]:
    """How instances of `kind` store `name`, found out without asking them."""
    found = _static(kind, name)
    if type(found) in _STORED:
        return partial(_slot, found)
    if _is_mapped(kind, name):
        return partial(_column, found)
    if hasattr(cast(object, type(found)), "__set__"):
        return partial(_constant, None)
    values = _static(kind, "__dict__")
    default = None if found is _ABSENT or hasattr(cast(object, type(found)), "__get__") else found
    if type(values) not in _STORING:
        return partial(_constant, default)
    return partial(_stored, values, name, default)


def _static(kind: type[Any], name: str) -> Any:
    return next((base.__dict__[name] for base in kind.__mro__ if name in base.__dict__), _ABSENT)


def _is_mapped(kind: type[Any], name: str) -> bool:
    mapper = _static(kind, "__mapper__")
    return mapper is not _ABSENT and name in mapper.attrs


def _slot(descriptor: Any, source: object) -> object:
    try:
        return cast(object, descriptor.__get__(source))
    except AttributeError:
        return None


def _column(descriptor: Any, source: object) -> object:
    return cast(object, descriptor.__get__(source, type(source)))


def _constant(value: object, source: object) -> object:
    del source
    return value


def _stored(values: Any, name: str, default: object, source: object) -> object:
    return cast(dict[str, object], values.__get__(source)).get(name, default)


class _Pair(NamedTuple):
    """For the type of what reads a field of a named tuple."""

    one: int


_STORING: Final[frozenset[type]] = frozenset({GetSetDescriptorType, MemberDescriptorType})
"""What gives an instance's own dictionary; anything else under that name is somebody's code."""
_STORED: Final[frozenset[type]] = frozenset(
    {MemberDescriptorType, type(cast(object, vars(_Pair)["one"]))}
)
