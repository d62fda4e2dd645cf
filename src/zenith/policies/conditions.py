"""Conditions as a tree: what rules are made of, whoever wrote them and whatever reads them.

The value of a condition is true, false or unknown (Kleene's three values, as in SQL). A comparison
is unknown where an attribute is absent or null, or where the values are of kinds that the operator
does not compare. `Not` of unknown is unknown. `All` is false if one is false, else unknown if one
is unknown. `Any_` is true if one is true, else unknown if one is unknown. Only true satisfies a
rule, so that a missing fact never does, in negations too (ASVS 8.2.2).
"""

from __future__ import annotations

import json
import re
from typing import Final, TypeAlias, cast
from typing import Literal as OneOf

from zenith.kernel.records import dataclass
from zenith.policies.errors import PolicyError
from zenith.policies.limits import MAX_CONDITIONS, MAX_DEPTH, MAX_SEGMENTS
from zenith.policies.operators import OPERATORS

Root: TypeAlias = OneOf["subject", "resource", "context", "action"]
ROOTS: Final = ("subject", "resource", "context", "action")
_SEGMENTS: Final = 8
_SEGMENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


@dataclass(frozen=True, slots=True)
class Reference:
    """An attribute: `subject.team.id` is `Reference("subject", ("team", "id"))`.

    Names that begin with an underscore are refused: they lead into the interpreter, not to facts.
    `action.name` is the only attribute of the action.
    """

    root: Root
    path: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.root not in ROOTS:
            raise PolicyError(
                f"`{self.root}` has no attributes", fix="begin with " + _or(ROOTS[:3])
            )
        path = tuple(self.path)
        if not 0 < len(path) <= MAX_SEGMENTS or not all(map(_SEGMENT.fullmatch, path)):
            raise PolicyError(
                f"`{'.'.join((self.root, *path))[:200]}` is no attribute",
                fix="write resource.owner_id or subject.team.id: names of letters, digits, "
                f"`_` and `-`, none private, at most {MAX_SEGMENTS}",
            )
        if self.root == "action" and path != ("name",):
            raise PolicyError("the action has a name only", fix="write action.name")
        object.__setattr__(self, "path", path)

    def __str__(self) -> str:
        return ".".join((self.root, *self.path))


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written into the rule. Within a `Comparison` it has the form its operator keeps:
    single values as they are, lists as tuples, networks parsed, time windows as `TimeWindow`.
    """

    value: object

    def __str__(self) -> str:
        return _text(self.value)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left operator right`. Raises PolicyError for operators that do not exist and for values
    that the operator could never compare.
    """

    operator: str
    left: Reference
    right: Reference | Literal

    def __post_init__(self) -> None:
        operator = OPERATORS.get(self.operator)
        if operator is None:
            raise PolicyError(
                f"there is no operator {self.operator!r:.50}",
                fix="choose one of " + ", ".join((*OPERATORS, "exists", "missing")),
            )
        if isinstance(self.right, Literal):
            object.__setattr__(self, "right", Literal(operator.prepare(self.right.value)))
        elif not operator.takes_reference:
            raise PolicyError(
                f"`{self.operator}` takes no attribute as its value", fix="write the value itself"
            )

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


@dataclass(frozen=True, slots=True)
class Exists:
    """Whether an attribute is there and not null: always true or false."""

    reference: Reference

    def __str__(self) -> str:
        return f"{self.reference} exists"


@dataclass(frozen=True, slots=True)
class All:
    """Every one of `conditions`; true if there is none."""

    conditions: tuple[Condition, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "conditions", tuple(self.conditions))

    def __str__(self) -> str:
        return f"all({'; '.join(map(str, self.conditions))})"


@dataclass(frozen=True, slots=True)
class Any_:  # noqa: N801  # `Any` is taken by typing
    """At least one of `conditions`; false if there is none."""

    conditions: tuple[Condition, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "conditions", tuple(self.conditions))

    def __str__(self) -> str:
        return f"any({'; '.join(map(str, self.conditions))})"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; unknown stays unknown."""

    condition: Condition

    def __str__(self) -> str:
        if isinstance(self.condition, Exists):
            return f"{self.condition.reference} missing"
        return f"not({self.condition})"


Condition: TypeAlias = Comparison | Exists | All | Any_ | Not


def check_size(condition: object) -> None:
    """Raise PolicyError for a tree that is too large, too deep, or of anything but conditions."""
    waiting: list[tuple[object, int]] = [(condition, 0)]
    count = 0
    while waiting:
        found, depth = waiting.pop()
        count += 1
        if count > MAX_CONDITIONS + 1 or depth > MAX_DEPTH:
            raise PolicyError(
                "the rule is too large",
                fix=f"at most {MAX_CONDITIONS:,} conditions, {MAX_DEPTH} levels",
            )
        if isinstance(found, All | Any_):
            waiting += [(each, depth + 1) for each in found.conditions]
        elif isinstance(found, Not):
            waiting.append((found.condition, depth + 1))
        elif not isinstance(found, Comparison | Exists):
            raise PolicyError(f"{found!r:.50} is no condition", fix="give Comparison, All, ...")


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_text, cast(tuple[object, ...], value)))}]"
    if isinstance(value, str | bool | int | float):
        return json.dumps(value)
    return str(value)


def _or(names: tuple[str, ...]) -> str:
    return ", ".join(f"{name}." for name in names[:-1]) + f" or {names[-1]}."
