"""Which fields of objects a subject may see, and the objects with these fields only.

Threat: an answer that carries more of an object than its reader may know (ASVS 8.2.3, 15.3.1).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias, cast

from zenith.policies.compilation import Check, compile_rule
from zenith.policies.facts import KNOWN_PLANS, Facts, fact
from zenith.policies.references import references_of
from zenith.policies.rules import Combine, Rule

Fields: TypeAlias = dict[str, Any]


class _Part(NamedTuple):
    """One rule, as the mask asks it."""

    allows: bool
    fields: frozenset[str] | None
    check: Check
    asks_resource: bool


class Mask:
    """The rules of one policy for one action, compiled to mask objects.

    Each object becomes a dictionary with the fields that may be seen, in their order: hidden ones
    are left out, for null would be a value of the field that is not true. An object on which the
    policy denies the action is an empty dictionary. A rule that allows shows its `fields`, or all;
    a rule that denies hides its `fields`, whatever shows them, or all with the object; under
    first-match the first satisfied rule that speaks of a field decides on it.
    """

    __slots__ = ("_parts",)

    def __init__(self, rules: Iterable[Rule], combine: Combine, action: str) -> None:
        mine = [rule for rule in rules if rule.actions is None or action in rule.actions]
        if combine == "deny-overrides":
            mine.sort(key=_turn)
        self._parts: Final = [
            _Part(
                allows=rule.effect == "allow",
                fields=rule.fields,
                check=compile_rule(rule),
                asks_resource=any(
                    each.root == "resource" for each in references_of(rule.condition)
                ),
            )
            for rule in mine
        ]

    def apply(
        self,
        subject: object,
        objects: Iterable[Any],
        action: str,
        context: Mapping[str, Any] | None = None,
    ) -> list[Fields]:
        """Each of `objects` as far as `subject` may see it.

        Mappings, Pydantic models, mapped rows and objects are taken. Of models these are the
        fields, of rows the columns, of other objects the public attributes; nothing that is
        computed is among them, for it may tell what is hidden.
        """
        given: Mapping[str, Any] = {} if context is None else context
        # What does not depend on the object is asked once for all of them.
        parts = [
            part
            for part in self._parts
            if part.asks_resource or part.check((subject, None, given, action)) is True
        ]
        return [_masked(parts, (subject, each, given, action)) for each in objects]


def _masked(parts: list[_Part], facts: Facts) -> Fields:
    spoken: dict[str, bool] = {}
    allowed = others = False
    for part in parts:
        if part.asks_resource and part.check(facts) is not True:
            continue
        allowed = allowed or part.allows
        if part.fields is None:
            others = part.allows
            break
        for name in part.fields:
            spoken.setdefault(name, part.allows)
    return _shown(facts[1], spoken, others) if allowed else {}


def _shown(source: Any, spoken: Mapping[str, bool], others: bool) -> Fields:
    if type(source) is dict:
        return {
            name: value
            for name, value in cast(dict[object, Any], source).items()
            if isinstance(name, str) and spoken.get(name, others)
        }
    return {name: fact(source, name) for name in names_of(source) if spoken.get(name, others)}


def names_of(source: object) -> Collection[str]:
    """The fields of a mapping, a model, a row or an object, in their order; private ones are not
    among them.
    """
    if isinstance(source, Mapping):
        return [name for name in cast(Mapping[object, object], source) if isinstance(name, str)]
    kind: type = type(source)
    declared, deferred = _declared(kind)
    if declared is None:
        return [name for name in getattr(source, "__dict__", ()) if name[:1] != "_"]
    if deferred:
        # What a query left out on purpose is not fetched row by row.
        loaded = source.__dict__
        return [name for name in declared if name in loaded or name not in deferred]
    return declared


@lru_cache(maxsize=KNOWN_PLANS)
def _declared(kind: type) -> tuple[tuple[str, ...] | None, frozenset[str]]:
    """The fields that a class declares, and those of them that are read when they are used."""
    mapper: Any = getattr(kind, "__mapper__", None)
    if mapper is not None:
        columns = [each for each in mapper.column_attrs if each.key[:1] != "_"]
        deferred = frozenset(each.key for each in columns if each.deferred)
        return tuple(each.key for each in columns), deferred
    for attribute in ("__pydantic_fields__", "__dataclass_fields__"):
        fields: Any = getattr(kind, attribute, None)
        if isinstance(fields, Mapping):
            names = cast(Mapping[str, object], fields)
            return tuple(name for name in names if name[:1] != "_"), frozenset()
    return None, frozenset()


def _turn(rule: Rule) -> int:
    """What denies everything, what hides, what shows everything, what shows some."""
    if rule.effect == "deny":
        return 0 if rule.fields is None else 1
    return 2 if rule.fields is None else 3
