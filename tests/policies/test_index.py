from __future__ import annotations

from typing import Any

import pytest

from zenith.policies import Policy
from zenith.policies.index import MAX_KEYS


def rule(operator: str, value: Any, attribute: str = "resource.kind") -> dict[str, Any]:
    condition = {"attribute": attribute, "operator": operator, "value": value}
    return {"action": "read", "conditions": [condition]}


@pytest.mark.parametrize("value", ["k7", 7, True, 7.5, b"k7"])
def test_values_of_every_type_are_found(value):
    rules = [rule("equals", each) for each in ("k7", 7, True, 7.5, b"k7", "k8", 8, 0, 1)]
    policy = Policy("p", rules)
    told = policy.explain({}, {"kind": value}, "read")
    assert policy.evaluate({}, {"kind": value}, "read")
    assert [report.satisfied for report in told.rules].count(True) == 1
    assert not policy.evaluate({}, {"kind": str(value) + "x"}, "read")


def test_lists_are_looked_up_or_asked_in_turn():
    long = [f"v{number}" for number in range(MAX_KEYS + 1)]
    policy = Policy("p", [*(rule("in", [f"k{n}", f"l{n}"]) for n in range(9)), rule("in", long)])
    for kind in ("k0", "l8", "v0", f"v{MAX_KEYS}"):
        assert policy.evaluate({}, {"kind": kind}, "read")
    for kind in ("k9", "v99", None, []):
        assert not policy.evaluate({}, {"kind": kind}, "read")


def test_the_cost_does_not_grow_with_rules_that_name_a_key():
    """Counted, not timed: what is asked after one look-up."""
    sizes = []
    rules = []
    for number in range(1000):
        both = rule("equals", f"k{number}")
        both["conditions"].append({"attribute": "subject.team", "operator": "equals", "value": "t"})
        rules.append(both)
    policy = Policy("p", rules)
    node = policy._allows._by_action["read"]
    while node.tables:
        ((_, table),) = node.tables
        assert not node.entries
        sizes.append(len(table))
        node = next(iter(table.values()))
    assert sizes == [1000]
    assert len(node.entries) == 1
    assert policy.evaluate({"team": "t"}, {"kind": "k7"}, "read")


def test_two_attributes_side_by_side_and_below_each_other():
    rules = [
        *(rule("equals", n, "resource.a") for n in range(20)),
        *(rule("equals", n, "resource.b") for n in range(20)),
    ]
    for number in range(30):
        both = rule("equals", number % 2, "resource.c")
        both["conditions"] += rule("equals", number, "resource.d")["conditions"]
        rules.append(both)
    policy = Policy("p", rules)
    for resource, wanted in (
        ({"a": 19}, True),
        ({"b": 0}, True),
        ({"c": 1, "d": 7}, True),
        ({"c": 0, "d": 7}, False),
        ({"a": 20, "b": "0", "d": 7}, False),
    ):
        assert policy.evaluate({}, resource, "read") is wanted
        assert policy.explain({}, resource, "read").decision is wanted
