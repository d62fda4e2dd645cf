"""Which attributes conditions ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from zenith.policies.conditions import Comparison, Condition, Exists, Not, Reference
from zenith.policies.rules import Rule


def references_of(condition: Condition) -> Iterator[Reference]:
    """Every attribute that stands in `condition`."""
    match condition:
        case Comparison():
            yield condition.left
            if isinstance(condition.right, Reference):
                yield condition.right
        case Exists():
            yield condition.reference
        case Not():
            yield from references_of(condition.condition)
        case _:
            for each in condition.conditions:
                yield from references_of(each)


def references_in(rules: Iterable[Rule]) -> tuple[Reference, ...]:
    """Every attribute that `rules` ask for, once."""
    found = (each for rule in rules for each in references_of(rule.condition))
    return tuple(dict.fromkeys(found))
