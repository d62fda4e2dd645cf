"""Policies decide as a naive evaluator does that was written from their description alone.

The evaluator below knows dictionaries only: no tree, no compiled functions, no index. Whatever the
rules and the facts, `evaluate` equals it, and `explain` comes to the same decision.
"""

from __future__ import annotations

import operator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from zenith.policies import Policy

ROOTS = ("subject", "resource", "context")
PREFIXES = tuple(f"{root}." for root in ROOTS)


# What the description says ------------------------------------------------------------------------


def kind(value: Any) -> str | None:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float, Decimal)):
        return "number" if value == value else None  # noqa: PLR0124  # NaN
    if isinstance(value, datetime):
        return "naive" if value.tzinfo is None else "aware"
    for name, of in (("text", str), ("date", date), ("uuid", UUID), ("bytes", bytes)):
        if isinstance(value, of):
            return name
    return None


def equals(left: Any, right: Any) -> bool | None:
    if kind(left) is None or kind(left) != kind(right):
        return None
    return bool(left == right)


def one_of(values: Any, value: Any) -> bool | None:
    if not isinstance(values, (list, tuple, set, frozenset)) or kind(value) is None:
        return None
    return either([equals(each, value) for each in values])


def contains(left: Any, right: Any) -> bool | None:
    if isinstance(left, str) and isinstance(right, str):
        return right in left
    return one_of(left, right)


def ordered(compare: Any) -> Any:
    def test(left: Any, right: Any) -> bool | None:
        if kind(left) not in {"text", "number", "naive", "aware", "date"}:
            return None
        return bool(compare(left, right)) if kind(left) == kind(right) else None

    return test


def text(method: Any) -> Any:
    return lambda left, right: (
        method(left, right) if isinstance(left, str) and isinstance(right, str) else None
    )


def in_network(left: Any, right: Any) -> bool | None:
    try:
        return ip_address(left) in ip_network(right)
    except ValueError:
        return None


def opposite(truth: bool | None) -> bool | None:
    return {True: False, False: True, None: None}[truth]


def both(truths: list[bool | None]) -> bool | None:
    return False if False in truths else None if None in truths else True


def either(truths: list[bool | None]) -> bool | None:
    return True if True in truths else None if None in truths else False


COMPARISONS: dict[str, Any] = {
    "equals": equals,
    "not_equals": lambda left, right: opposite(equals(left, right)),
    "contains": contains,
    "not_contains": lambda left, right: opposite(contains(left, right)),
    "in": lambda left, right: one_of(right, left),
    "not_in": lambda left, right: opposite(one_of(right, left)),
    "greater_than": ordered(operator.gt),
    "less_than": ordered(operator.lt),
    "at_least": ordered(operator.ge),
    "at_most": ordered(operator.le),
    "starts_with": text(str.startswith),
    "ends_with": text(str.endswith),
}


def look_up(facts: dict[str, Any], path: str) -> Any:
    value: Any = facts
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def truth_of(condition: dict[str, Any], facts: dict[str, Any]) -> bool | None:
    if "any" in condition:
        return either([truth_of(each, facts) for each in condition["any"]])
    if "all" in condition:
        return both([truth_of(each, facts) for each in condition["all"]])
    if "not" in condition:
        return opposite(truth_of(condition["not"], facts))
    left = look_up(facts, condition["attribute"])
    if condition["operator"] == "exists":
        return left is not None
    if condition["operator"] == "missing":
        return left is None
    right = condition["value"]
    if isinstance(right, str) and right.startswith(PREFIXES):
        right = look_up(facts, right)
    elif isinstance(right, dict):
        right = right["literal"]
    return COMPARISONS[condition["operator"]](left, right)


def decision(rules: list[Any], combine: str, action: str, facts: dict[str, Any]) -> bool:
    effects = [
        rule["effect"]
        for rule in rules
        if rule["effect"] == "allow" or "fields" not in rule
        if rule["action"] in ("*", action) or action in list(rule["action"])
        if all(truth_of(each, facts) is True for each in rule["conditions"])
    ]
    if combine == "first-match":
        return effects[:1] == ["allow"]
    return "allow" in effects and "deny" not in effects


# Random policies and facts ------------------------------------------------------------------------

BERLIN = timezone(timedelta(hours=1))
MOMENT = datetime(2026, 11, 22, 9, tzinfo=UTC)
NUMBERS = st.sampled_from(
    [0, 1, 2, -1, 1.0, 0.5, Decimal(1), Decimal("0.5"), 10**400, float("inf")]
)
TEXTS = st.sampled_from(["", "a", "b", "ab", "1", "true", "subject.id", "10.0.0.1", "::1"])
SINGLE = st.one_of(
    TEXTS,
    TEXTS,
    NUMBERS,
    st.booleans(),
    st.sampled_from([MOMENT, MOMENT.astimezone(BERLIN), MOMENT.replace(tzinfo=None)]),
    st.sampled_from([MOMENT.date(), UUID(int=1), b"a"]),
)
ODD = st.sampled_from([None, float("nan"), Decimal("nan"), object(), {"a": 1}, len, (), 1j])
LISTS = st.lists(SINGLE | ODD, max_size=3) | st.sets(TEXTS, max_size=2)
VALUES = st.one_of(SINGLE, SINGLE, SINGLE, ODD, LISTS)
NAMES = ("id", "kind", "tags", "level")
ATTRIBUTES = st.sampled_from([f"{root}.{name}" for root in ROOTS for name in NAMES]) | st.just(
    "resource.owner.id"
)
ORDERED = st.one_of(TEXTS, NUMBERS, st.just(MOMENT))
LITERALS = {
    "in": st.lists(SINGLE, max_size=4),
    "not_in": st.lists(SINGLE, max_size=4),
    **dict.fromkeys(("greater_than", "less_than", "at_least", "at_most"), ORDERED),
    **dict.fromkeys(("starts_with", "ends_with"), TEXTS),
}


@st.composite
def comparisons(draw: st.DrawFn) -> dict[str, Any]:
    name = draw(st.sampled_from(["equals", "equals", *COMPARISONS, "exists", "missing"]))
    condition = {"attribute": draw(ATTRIBUTES), "operator": name}
    if name in COMPARISONS:
        literal = LITERALS.get(name, SINGLE).map(lambda value: {"literal": value})
        condition["value"] = draw(ATTRIBUTES | literal | literal)
    return condition


CONDITIONS = st.recursive(
    comparisons(),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"any": each}),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"all": each}),
        inner.map(lambda each: {"not": each}),
    ),
    max_leaves=4,
)
KEYED = st.builds(
    lambda name, value: {"attribute": name, "operator": "equals", "value": {"literal": value}},
    st.sampled_from(["resource.kind", "subject.id"]),
    SINGLE,
)
ACTIONS = ("read", "write", "delete")
RULES = st.fixed_dictionaries(
    {
        "action": st.sampled_from(["*", "read", "write", ["read", "write"]]),
        "effect": st.sampled_from(["allow", "allow", "deny"]),
        "conditions": st.lists(KEYED | CONDITIONS, max_size=3),
    },
    optional={"fields": st.just(["title"])},
)
FACTS = st.dictionaries(st.sampled_from(NAMES), VALUES)
QUESTIONS = st.tuples(
    st.fixed_dictionaries(
        {
            "subject": FACTS,
            "resource": st.builds(lambda own, id_: {**own, "owner": {"id": id_}}, FACTS, VALUES),
            "context": FACTS,
        }
    ),
    st.sampled_from(ACTIONS),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(RULES, max_size=16),
    st.sampled_from(["deny-overrides", "first-match"]),
    st.lists(QUESTIONS, min_size=1, max_size=5),
)
def test_the_policy_decides_as_its_description(rules, combine, questions):
    policy = Policy("random", rules, combine=combine)
    for facts, action in questions:
        wanted = decision(rules, combine, action, facts)
        asked = (facts["subject"], facts["resource"], action, facts["context"])
        assert policy.evaluate(*asked) is wanted
        explanation = policy.explain(*asked)
        assert explanation.decision is wanted
        assert (explanation.rule is None) or explanation.rules


@settings(max_examples=40, deadline=None)
@given(CONDITIONS, QUESTIONS)
def test_a_condition_and_its_negation_are_never_both_true(condition, question):
    facts, _ = question
    rules = [{"action": "a", "conditions": [{"any": [condition, {"not": condition}]}]}]
    allowed = Policy("one", rules).evaluate(
        facts["subject"], facts["resource"], "a", facts["context"]
    )
    assert allowed is (truth_of(condition, facts) is not None)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["10.0.0.0/8", "::/64", "0.0.0.0/0"]),
    st.sampled_from(["10.1.2.3", "11.0.0.1", "::5", "fe80::1", "", "10.0.0.1:80", "x", "::ffff:1"]),
)
def test_networks(network, address):
    rules = [
        {
            "action": effect,
            "conditions": [
                {"attribute": "context.address", "operator": "in_network", "value": network}
            ]
            if effect == "in"
            else [
                {
                    "not": {
                        "attribute": "context.address",
                        "operator": "in_network",
                        "value": network,
                    }
                }
            ],
        }
        for effect in ("in", "out")
    ]
    policy = Policy("networks", rules)
    truth = in_network(address, network)
    assert policy.evaluate({}, {}, "in", {"address": address}) is (truth is True)
    assert policy.evaluate({}, {}, "out", {"address": address}) is (truth is False)
