"""Which conditions follow from others, and which can never be true.

Nothing here is complete: what cannot be told is taken to be independent. What is told is certain,
for values are compared by the operators themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, cast

from zenith.policies.conditions import (
    All,
    Any_,
    Comparison,
    Condition,
    Exists,
    Literal,
    Not,
    Reference,
)
from zenith.policies.operators import OPERATORS
from zenith.policies.references import references_of
from zenith.policies.values import Truth, elements_of, kind_of, order, plain

COMPLEMENTS: Final = {
    "equals": "not_equals",
    "in": "not_in",
    "contains": "not_contains",
    "greater_than": "at_most",
    "less_than": "at_least",
}
OPPOSITE: Final = {**COMPLEMENTS, **{value: key for key, value in COMPLEMENTS.items()}}
ABOVE: Final = {"greater_than": True, "at_least": False, "after": True}
"""Lower bounds, and whether they are strict."""
BELOW: Final = {"less_than": True, "at_most": False, "before": True}
ON_TEXT: Final = frozenset({"starts_with", "ends_with", "matches"})


class Conjunction:
    """Conditions that must all be true, flattened."""

    def __init__(self, condition: Condition) -> None:
        # By their text: `True` and `1` are equal in Python and are not here.
        self._known: Final = {str(part): part for part in _flatten(condition)}
        self.parts: Final = tuple(self._known.values())
        self._tests: Final[defaultdict[Reference, list[Comparison]]] = defaultdict(list)
        for part in self.parts:
            if isinstance(part, Comparison) and isinstance(part.right, Literal):
                self._tests[part.left].append(part)

    @property
    def is_impossible(self) -> bool:
        """Whether it is certain that they are never all true."""
        if any(str(_negated(part)) in self._known for part in self.parts):
            return True
        if any(isinstance(part, Any_) and self._excludes(part) for part in self.parts):
            return True
        absent = {
            part.condition.reference
            for part in self.parts
            if isinstance(part, Not) and isinstance(part.condition, Exists)
        }
        if any(
            absent.intersection(references_of(part))
            for part in self.parts
            if isinstance(part, Comparison)
        ):
            return True
        return any(self._is_empty(reference) for reference in self._tests)

    def implies(self, condition: Condition) -> bool:
        """Whether it is certain that `condition` is true where these are."""
        if str(condition) in self._known:
            return True
        if any(_each_implies(part, condition) for part in self.parts if isinstance(part, Any_)):
            return True
        match condition:
            case All():
                return all(map(self.implies, condition.conditions))
            case Any_():
                return any(map(self.implies, condition.conditions))
            case Exists():
                return any(
                    condition.reference in references_of(part)
                    for part in self.parts
                    if isinstance(part, Comparison)
                )
            case Comparison():
                return self._implies_comparison(condition)
            case _:
                flat = tuple(_flatten(condition))
                return str(flat[0]) != str(condition) and all(map(self.implies, flat))

    def _implies_comparison(self, condition: Comparison) -> bool:
        if not isinstance(condition.right, Literal):
            return False
        candidates = self._candidates(condition.left)
        if candidates is not None:
            return all(_holds(condition, value) for value in candidates)
        bound = condition.right.value
        for part in self._tests.get(condition.left, ()):
            mine = cast(Literal, part.right).value
            for signs in (ABOVE, BELOW):
                if part.operator in signs and condition.operator in signs:
                    found = order(mine, bound)
                    if found is None:
                        continue
                    inside = found > 0 if signs is ABOVE else found < 0
                    weaker = signs[part.operator] or not signs[condition.operator]
                    if inside or (found == 0 and weaker):
                        return True
        return False

    def _excludes(self, group: Any_) -> bool:
        return all(Conjunction(each).is_impossible for each in group.conditions)

    def _candidates(self, reference: Reference) -> list[object] | None:
        """The only values that `reference` can have; None where there is no such list."""
        for part in self._tests.get(reference, ()):
            value = cast(Literal, part.right).value
            if part.operator == "equals":
                return [value]
            if part.operator == "in":
                return list(elements_of(value) or ())
        return None

    def _is_empty(self, reference: Reference) -> bool:
        tests = self._tests[reference]
        candidates = self._candidates(reference)
        if candidates is not None:
            return not any(all(_holds(test, value) for test in tests) for value in candidates)
        kinds = {kind for test in tests if (kind := _kind(test)) is not None}
        return len(kinds) > 1 or _is_gap(tests)


def _flatten(condition: Condition) -> Iterator[Condition]:
    match condition:
        case All():
            for each in condition.conditions:
                yield from _flatten(each)
        case Any_():
            if len(condition.conditions) == 1:
                yield from _flatten(condition.conditions[0])
            else:
                yield condition
        case Not():
            yield from _flatten_not(condition)
        case _:
            yield condition


def _flatten_not(condition: Not) -> Iterator[Condition]:
    inner = condition.condition
    match inner:
        case Not():
            yield from _flatten(inner.condition)
        case Any_():
            for each in inner.conditions:
                yield from _flatten(Not(each))
        case All():
            yield from _flatten(Any_(tuple(Not(each) for each in inner.conditions)))
        case Comparison():
            yield _negated(inner)
        case _:
            yield condition


def _negated(condition: Condition) -> Condition:
    if isinstance(condition, Not):
        return condition.condition
    if isinstance(condition, Comparison) and condition.operator in OPPOSITE:
        return Comparison(OPPOSITE[condition.operator], condition.left, condition.right)
    return Not(condition)


def _each_implies(group: Any_, condition: Condition) -> bool:
    return bool(group.conditions) and all(
        Conjunction(each).implies(condition) for each in group.conditions
    )


def _holds(test: Comparison, value: object) -> Truth:
    return OPERATORS[test.operator].test(value, cast(Literal, test.right).value) is True


def _kind(test: Comparison) -> str | None:
    """What kind of value a comparison needs; None where several will do."""
    if test.operator in ON_TEXT:
        return "text"
    if test.operator in {*ABOVE, *BELOW, "not_equals"}:
        value = plain(cast(Literal, test.right).value)
        return None if value is None else kind_of(value)
    return None


def _is_gap(tests: Sequence[Comparison]) -> bool:
    """Whether a lower bound lies above an upper one."""
    bounds: Iterable[tuple[Any, Any, bool]] = (
        (
            cast(Literal, low.right).value,
            cast(Literal, high.right).value,
            ABOVE[low.operator] or BELOW[high.operator],
        )
        for low in tests
        if low.operator in ABOVE
        for high in tests
        if high.operator in BELOW
    )
    for low, high, strict in bounds:
        found = order(low, high)
        if found is not None and (found > 0 or (found == 0 and strict)):
            return True
    return False
