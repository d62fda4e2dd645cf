"""What the analysis says of random policies holds for every object."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests.policies import random_policies
from tests.policies.articles import COLUMNS, TEXTS, VALUES
from zenith.policies import All, Comparison, Literal, PolicyError, Reference, Rule
from zenith.policies.analysis import analyze
from zenith.policies.compilation import compile_condition
from zenith.policies.grants import grant
from zenith.policies.policy import Policy

NUMBERS = [0, 1, 2, 3, 1.5, True, "1", "a"]
OPERATORS = [
    *("equals", "not_equals", "in", "not_in", "greater_than", "less_than", "at_least", "at_most"),
    *("starts_with", "contains", "not_contains"),
]


def resource(random: Random) -> dict[str, Any]:
    return {
        **{name: random.choice([None, *pool]) for name, pool in COLUMNS.items()},
        "size": random.choice([*NUMBERS, None]),
        "title": random.choice([*NUMBERS, *TEXTS[:6], None]),
    }


def near(random: Random, number: int) -> Rule:
    """Conditions that have much to do with each other."""
    parts = []
    for _ in range(random.randrange(3)):
        name, operator = random.choice(("size", "title")), random.choice(OPERATORS)
        value: Any = random.choice(NUMBERS)
        if operator in {"in", "not_in"}:
            value = random.sample(NUMBERS, random.randrange(3))
        try:
            parts.append(Comparison(operator, Reference("resource", (name,)), Literal(value)))
        except PolicyError:
            parts.append(random_policies.condition(random))
    return Rule(
        name=f"rule {number}",
        effect=random.choice(("allow", "allow", "deny")),
        actions=random.choice((None, frozenset({"read"}), frozenset({"read", "write"}))),
        condition=All(tuple(parts)),
        fields=frozenset(random.sample(("size", "title", "day"), 1))
        if random.random() < 0.3
        else None,
    )


@given(seed=st.integers(0, 1 << 64))
@settings(max_examples=60)
def test_a_rule_that_is_found_to_have_no_effect_has_none(seed: int) -> None:
    random = Random(seed)
    combine = random.choice(["deny-overrides", "first-match"])
    rules = [near(random, number) for number in range(4)]
    whole = Policy("random", rules, combine=combine)
    objects = [resource(random) for _ in range(40)]
    subject = random_policies.subject(random)
    for finding in analyze(whole):
        if finding.kind in {"wide", "unfinished"}:
            continue
        note(f"{combine} {finding} {rules}")
        without = Policy(
            "random", [rule for rule in rules if rule.name != finding.rule], combine=combine
        )
        for action in ("read", "write", "other"):
            assert without.mask(subject, objects, action) == whole.mask(subject, objects, action)
            for each in objects:
                assert without.evaluate(subject, each, action) == whole.evaluate(
                    subject, each, action
                )


@given(seed=st.integers(0, 1 << 64))
@settings(max_examples=40)
def test_what_is_left_to_ask_decides_as_the_policy_does(seed: int) -> None:
    random = Random(seed)
    policy, subject = random_policies.policy(random), random_policies.subject(random)
    context = {"place": random.choice(VALUES)}
    for given_facts in ({"subject": subject}, {"context": context}, {"resource": resource(random)}):
        found = grant(policy, "read", **given_facts)
        for _ in range(10):
            facts = {"subject": subject, "resource": resource(random), "context": context}
            facts.update(given_facts)
            asked = (facts["subject"], facts["resource"], facts["context"], "read")
            allowed = policy.evaluate(*asked[:2], "read", facts["context"])
            deciding = next(
                (
                    step
                    for step in found.steps
                    if step.condition is None or compile_condition(step.condition)(asked) is True
                ),
                None,
            )
            note(f"{policy.rules} {found} {facts}")
            assert (deciding is not None and deciding.effect == "allow") is allowed
            assert allowed is {"always": True, "never": False}.get(found.answer, allowed)
