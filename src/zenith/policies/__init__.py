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
from zenith.policies.explanation import Explanation, RuleReport
from zenith.policies.files import load_policies, policy_schema, read_policies
from zenith.policies.operators import TimeWindow
from zenith.policies.policy import Policy
from zenith.policies.rules import Rule

__all__ = [
    "All",
    "Any_",
    "Comparison",
    "Condition",
    "Exists",
    "Explanation",
    "Literal",
    "Not",
    "Policy",
    "PolicyError",
    "Reference",
    "Rule",
    "RuleReport",
    "TimeWindow",
    "load_policies",
    "policy_schema",
    "read_policies",
]
