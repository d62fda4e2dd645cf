"""An engine that others wrote says the same, on what both can express."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as st

from zenith.kernel.principal import Principal
from zenith.policies import All, Any_, Comparison, Literal, Not, Reference, Rule
from zenith.policies.cedar import CedarAuthorizer
from zenith.policies.conditions import Condition
from zenith.policies.policy import Policy

SIGNS = {
    "equals": "==",
    "not_equals": "!=",
    "greater_than": ">",
    "less_than": "<",
    "at_least": ">=",
    "at_most": "<=",
}
ATTRIBUTES: dict[str, list[Any]] = {
    "owner": ["ada", "bob", "Ada", ""],
    "title": ["ada", "x", "é"],
    "size": [0, 1, 2, -1],
    "limit": [0, 1, 2],
    "public": [True, False],
}
KINDS = [("owner", "title"), ("size", "limit"), ("public",)]


def condition(random: Random, depth: int = 2) -> Condition:
    shape = random.random() if depth else 1.0
    if shape < 0.2:
        return Not(condition(random, depth - 1))
    if shape < 0.5:
        parts = tuple(condition(random, depth - 1) for _ in range(random.randrange(1, 3)))
        return random.choice((All, Any_))(parts)
    kind = random.choice(KINDS)
    name = random.choice(kind)
    left = Reference("resource", (name,))
    operators = list(SIGNS) if "size" in kind else ["equals", "not_equals"]
    if random.random() < 0.2:
        values = random.sample(ATTRIBUTES[name], 2)
        return Comparison(random.choice(("in", "not_in")), left, Literal(values))
    if random.random() < 0.3:
        return Comparison(
            random.choice(operators), left, Reference("resource", (random.choice(kind),))
        )
    if kind == KINDS[0] and random.random() < 0.3:
        return Comparison("equals", Reference("subject", ("id",)), left)
    return Comparison(random.choice(operators), left, Literal(random.choice(ATTRIBUTES[name])))


def in_cedar(each: Condition) -> str:
    match each:
        case Not():
            return f"!({in_cedar(each.condition)})"
        case All():
            return "(" + " && ".join(map(in_cedar, each.conditions)) + ")"
        case Any_():
            return "(" + " || ".join(map(in_cedar, each.conditions)) + ")"
        case Comparison(operator="in" | "not_in", left=left, right=Literal(value=values)):
            found = f"{json.dumps(list(values), ensure_ascii=False)}.contains({side(left)})"
            return found if each.operator == "in" else f"!({found})"
        case Comparison():
            return f"{side(each.left)} {SIGNS[each.operator]} {side(each.right)}"
        case _:
            raise TypeError(each)


def side(each: Reference | Literal) -> str:
    if isinstance(each, Literal):
        return json.dumps(each.value, ensure_ascii=False)
    root = {"subject": "principal"}.get(each.root, each.root)
    return ".".join((root, *each.path))


def rule_in_cedar(rule: Rule) -> str:
    effect = "permit" if rule.effect == "allow" else "forbid"
    action = "action" if rule.actions is None else 'action == Action::"read"'
    conditions = " && ".join(map(in_cedar, rule.condition.conditions)) or "true"
    return f"{effect}(principal, {action}, resource) when {{ {conditions} }};"


@given(seed=st.integers(0, 1 << 64))
@settings(max_examples=40)
def test_cedar_decides_the_same(seed: int) -> None:
    random = Random(seed)
    rules = [
        Rule(
            name=f"rule {number}",
            effect=random.choice(("allow", "allow", "deny")),
            actions=random.choice((None, frozenset({"read"}))),
            condition=All(tuple(condition(random) for _ in range(random.randrange(3)))),
        )
        for number in range(random.randrange(1, 4))
    ]
    text = "\n".join(map(rule_in_cedar, rules))
    note(text)
    policy, cedar = Policy("both", rules), CedarAuthorizer(text)

    async def compare() -> None:
        for _ in range(8):
            resource = {name: random.choice(pool) for name, pool in ATTRIBUTES.items()}
            caller = Principal(subject=random.choice(ATTRIBUTES["owner"][:3]))
            action = random.choice(("read", "write"))
            note(f"{caller.subject} {action} {resource}")
            found = await cedar.authorize(caller, action, resource, {})
            assert found.allowed is policy.evaluate(caller, resource, action)

    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(compare())
    finally:
        loop.close()
