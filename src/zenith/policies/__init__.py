"""May they, by attributes: rules as data, compiled once, with an explanation for every decision."""

from zenith.policies.analysis import Finding, analyze
from zenith.policies.cedar import CedarAuthorizer
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
from zenith.policies.dry_run import DryRun, dry_run
from zenith.policies.errors import PolicyError
from zenith.policies.explanation import Explanation, RuleReport
from zenith.policies.files import load_policies, policy_schema, read_policies
from zenith.policies.grants import Grant, what_can, who_can, who_can_of
from zenith.policies.live import LivePolicy
from zenith.policies.operators import TimeWindow
from zenith.policies.policy import Policy
from zenith.policies.recording import DecisionRecorder
from zenith.policies.rules import Rule
from zenith.policies.versions import PolicyVersions

__all__ = [
    "All",
    "Any_",
    "CedarAuthorizer",
    "Comparison",
    "Condition",
    "DecisionRecorder",
    "DryRun",
    "Exists",
    "Explanation",
    "Finding",
    "Grant",
    "Literal",
    "LivePolicy",
    "Not",
    "Policy",
    "PolicyError",
    "PolicyVersions",
    "Reference",
    "Rule",
    "RuleReport",
    "TimeWindow",
    "analyze",
    "dry_run",
    "load_policies",
    "policy_schema",
    "read_policies",
    "what_can",
    "who_can",
    "who_can_of",
]
