"""May they, by attributes: rules as data, compiled once, with an explanation for every decision."""

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
from zenith.policies.operators import TimeWindow
from zenith.policies.rules import Rule

__all__ = [
    "All",
    "Any_",
    "Comparison",
    "Condition",
    "Exists",
    "Literal",
    "Not",
    "PolicyError",
    "Reference",
    "Rule",
    "TimeWindow",
]
