"""Conditions as Python functions of the facts.

The functions for the operators that stand in most rules read their attribute and compare it
themselves if it has the very type of the literal, and leave everything else to the operator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias, cast

from zenith.policies.conditions import (
    ROOTS,
    All,
    Comparison,
    Condition,
    Exists,
    Literal,
    Not,
    Reference,
)
from zenith.policies.facts import DICT, Facts, Read, entry, fact, is_there, reader
from zenith.policies.operators import OPERATORS, Test, Unary
from zenith.policies.rules import Rule
from zenith.policies.values import Truth, negate

Check: TypeAlias = Callable[[Facts], Truth]


def compile_condition(condition: Condition) -> Check:
    """The condition as a function that says true, false or unknown."""
    if isinstance(condition, Comparison):
        return _comparison(condition)
    if isinstance(condition, Exists):
        return _exists(reader(condition.reference))
    if isinstance(condition, Not):
        return _not(compile_condition(condition.condition))
    checks = tuple(map(compile_condition, condition.conditions))
    return _all(checks) if isinstance(condition, All) else _any(checks)


def compile_rule(rule: Rule) -> Check:
    """The rule's condition as a function that says true only if it is true; what else it says has
    no meaning. Whether the rule is for the action is not asked.
    """
    checks = tuple(map(compile_condition, rule.condition.conditions))
    if len(checks) == 1:
        return checks[0]

    def satisfied(facts: Facts) -> bool:
        for check in checks:  # noqa: SIM110  # `all` with a generator takes twice the time
            if check(facts) is not True:
                return False
        return True

    return satisfied


def _comparison(condition: Comparison) -> Check:
    operator, left, right = OPERATORS[condition.operator], condition.left, condition.right
    if isinstance(right, Reference):
        return _with_reference(reader(left), operator.test, reader(right))
    quick = _QUICK.get(condition.operator)
    if quick is not None and len(left.path) == 1 and left.root != "action":
        kind, holds = quick(right.value)
        if kind is not None:
            make = _QUICKEST.get(condition.operator, _quickly)
            return make(left, operator.test, right, kind, holds)
    if operator.bind is not None:
        return _unary(reader(left), operator.bind(right.value))
    return _with_literal(reader(left), operator.test, right.value)


def _quickly(
    left: Reference, test: Test, right: Literal, kind: type, holds: Callable[[Any], bool]
) -> Check:
    index, name, literal = ROOTS.index(left.root), left.path[0], right.value

    def check(facts: Facts) -> Truth:
        source = facts[index]
        value = entry(source, name) if type(source) is DICT else fact(source, name)
        return holds(value) if type(value) is kind else test(value, literal)

    return check


def _is_equal(
    left: Reference, test: Test, right: Literal, kind: type, holds: Callable[[Any], bool]
) -> Check:
    """`_quickly` with the comparison written out: a call less."""
    index, name, literal = ROOTS.index(left.root), left.path[0], right.value
    del holds

    def check(facts: Facts) -> Truth:
        source = facts[index]
        value = entry(source, name) if type(source) is DICT else fact(source, name)
        return value == literal if type(value) is kind else test(value, literal)

    return check


def _is_greater(
    left: Reference, test: Test, right: Literal, kind: type, holds: Callable[[Any], bool]
) -> Check:
    """The same for order."""
    index, name, literal = ROOTS.index(left.root), left.path[0], cast(Any, right.value)
    del holds

    def check(facts: Facts) -> Truth:
        source = facts[index]
        value: Any = entry(source, name) if type(source) is DICT else fact(source, name)
        return value > literal if type(value) is kind else test(value, literal)

    return check


_QUICKEST: Final = {"equals": _is_equal, "greater_than": _is_greater}

Quick: TypeAlias = tuple[type[object] | None, Callable[[Any], bool]]
"""A type, and what holds for values of exactly this type; None if nothing is known to be quick."""


def _of_type(name: str, *kinds: type) -> Callable[[Any], Quick]:
    """The literal's own method `name`, for the types of which every value can be compared."""

    def quick(literal: Any) -> Quick:
        kind = cast(type[object], type(literal))
        return (kind if kind in kinds else None), getattr(literal, name)

    return quick


def _texts(literal: tuple[object, ...]) -> Quick:
    if all(type(each) is str for each in literal):
        return str, frozenset(literal).__contains__
    return None, bool


_QUICK: Final[dict[str, Callable[[Any], Quick]]] = {
    "equals": _of_type("__eq__", str, int, bool),
    "not_equals": _of_type("__ne__", str, int, bool),
    "in": _texts,
    # The other way round, for the literal stands on the left.
    "greater_than": _of_type("__lt__", str, int),
    "less_than": _of_type("__gt__", str, int),
    "at_least": _of_type("__le__", str, int),
    "at_most": _of_type("__ge__", str, int),
}


def _with_reference(left: Read, test: Test, right: Read) -> Check:
    return lambda facts: test(left(facts), right(facts))


def _unary(read: Read, test: Unary) -> Check:
    return lambda facts: test(read(facts))


def _with_literal(read: Read, test: Test, literal: object) -> Check:
    return lambda facts: test(read(facts), literal)


def _exists(read: Read) -> Check:
    return lambda facts: is_there(read(facts))


def _not(check: Check) -> Check:
    return lambda facts: negate(check(facts))


def _all(checks: tuple[Check, ...]) -> Check:
    def check_all(facts: Facts) -> Truth:
        found: Truth = True
        for check in checks:
            truth = check(facts)
            if truth is False:
                return False
            if truth is None:
                found = None
        return found

    return check_all


def _any(checks: tuple[Check, ...]) -> Check:
    def check_any(facts: Facts) -> Truth:
        found: Truth = False
        for check in checks:
            truth = check(facts)
            if truth:
                return True
            if truth is None:
                found = None
        return found

    return check_any
