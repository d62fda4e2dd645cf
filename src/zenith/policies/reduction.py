"""Conditions of which a part is known already, and what is left to ask."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, TypeAlias

from zenith.policies.compilation import compile_condition
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
from zenith.policies.errors import PolicyError
from zenith.policies.facts import Facts, reader
from zenith.policies.references import references_of

Rest: TypeAlias = bool | Condition
"""What a condition always is, or what is left of it."""

MIRRORED: Final = {
    "equals": "equals",
    "not_equals": "not_equals",
    "greater_than": "less_than",
    "less_than": "greater_than",
    "at_least": "at_most",
    "at_most": "at_least",
}


def reduce(
    condition: Condition, facts: Facts, known: Collection[str], *, positive: bool = True
) -> Rest:
    """What is left of `condition` where the roots in `known` are what `facts` say.

    The rest is true exactly where `condition` is. Where not `positive`, it is false exactly where
    `condition` is false.
    """
    match condition:
        case Comparison() | Exists():
            return _leaf(condition, facts, known, positive=positive)
        case Not():
            rest = reduce(condition.condition, facts, known, positive=not positive)
            return not rest if isinstance(rest, bool) else Not(rest)
        case All():
            return _group(condition, facts, known, positive=positive, neutral=True)
        case _:
            return _group(condition, facts, known, positive=positive, neutral=False)


def _group(
    group: All | Any_, facts: Facts, known: Collection[str], *, positive: bool, neutral: bool
) -> Rest:
    rests = [reduce(each, facts, known, positive=positive) for each in group.conditions]
    if (not neutral) in [each for each in rests if isinstance(each, bool)]:
        return not neutral
    left = tuple(each for each in rests if not isinstance(each, bool))
    if not left:
        return neutral
    return left[0] if len(left) == 1 else type(group)(left)


def _leaf(
    condition: Comparison | Exists, facts: Facts, known: Collection[str], *, positive: bool
) -> Rest:
    open_sides = [each for each in references_of(condition) if each.root not in known]
    if not open_sides:
        truth = compile_condition(condition)(facts)
        return not positive if truth is None else truth
    if isinstance(condition, Exists) or isinstance(condition.right, Literal):
        return condition
    if len(open_sides) > 1:
        return condition
    return _with_value(condition, condition.right, facts, known, positive=positive)


def _with_value(
    condition: Comparison,
    right: Reference,
    facts: Facts,
    known: Collection[str],
    *,
    positive: bool,
) -> Rest:
    """One side becomes the value that it has."""
    is_left_known = condition.left.root in known
    value = reader(condition.left if is_left_known else right)(facts)
    if value is None:
        return not positive
    try:
        if not is_left_known:
            return Comparison(condition.operator, condition.left, Literal(value))
        if condition.operator in MIRRORED:
            return Comparison(MIRRORED[condition.operator], right, Literal(value))
    except PolicyError:
        pass  # a value that nobody could write into a rule: the condition stays as it is
    return condition
