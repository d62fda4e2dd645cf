"""Random policies over articles. Plain `random`, seeded: a policy costs microseconds."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.policies.articles import COLUMNS, VALUES
from zenith.policies import (
    All,
    Any_,
    Comparison,
    Exists,
    Literal,
    Not,
    PolicyError,
    Reference,
    Rule,
)
from zenith.policies.conditions import Condition
from zenith.policies.operators import OPERATORS
from zenith.policies.policy import Policy

OPERATIONS = [name for name in OPERATORS if name not in {"matches", "in_network", "time_between"}]
FIELDS = ("title", "size", "public", "at")
KINDS = [
    ("title", "slug", "note"),
    ("size", "views", "price", "cost"),
    ("ratio", "score"),
    ("at", "until"),
    ("public", "locked"),
]
SUBJECT = ("one", "two", "several")


def subject(random: Random) -> dict[str, Any]:
    """A subject with some attributes, a list among them."""
    found: dict[str, Any] = {"several": random.sample(VALUES, random.randrange(5))}
    for name in ("one", "two"):
        if random.random() < 0.8:
            found[name] = random.choice(VALUES)
    return found


def policy(random: Random) -> Policy:
    """One to four rules."""
    combine = random.choice(["deny-overrides", "first-match"])
    count = random.choice((1, 1, 2, 3, 4))
    return Policy("random", [_rule(random, number) for number in range(count)], combine=combine)


def _rule(random: Random, number: int) -> Rule:
    return Rule(
        name=f"rule {number}",
        effect="allow" if number == 0 else random.choice(("allow", "allow", "deny")),
        actions=random.choice((None, frozenset({"read"}), frozenset({"read", "write"}))),
        condition=All(tuple(condition(random) for _ in range(random.choice((1, 1, 2))))),
        fields=frozenset(random.sample(FIELDS, 2)) if random.random() < 0.2 else None,
    )


def condition(random: Random, depth: int = 2) -> Condition:
    """A comparison, or a group of some."""
    shape = random.random() if depth else 1.0
    if shape < 0.2:
        return Not(condition(random, depth - 1))
    if shape < 0.45:
        inner = tuple(condition(random, depth - 1) for _ in range(random.randrange(4)))
        return random.choice((All, Any_))(inner)
    return _comparison(random)


def _comparison(random: Random) -> Condition:
    operator = random.choice([*OPERATIONS, "equals", "not_equals", "exists"])
    name = random.choice([*COLUMNS, "absent"])
    column = Reference("resource", (name,))
    if operator == "exists":
        return Exists(column)
    sort = random.random()
    if sort < 0.2:
        kin = next((kind for kind in KINDS if name in kind), tuple(COLUMNS))
        return Comparison(operator, column, Reference("resource", (random.choice(kin),)))
    if sort < 0.45:
        fact = random.choice(
            [Reference("subject", (each,)) for each in SUBJECT]
            + [Reference("context", ("place",)), Reference("action", ("name",))]
        )
        sides = (column, fact) if random.random() < 0.5 else (fact, column)
        return Comparison(operator, *sides)
    # Mostly of the column's own kind: else nearly everything would be unknown.
    pool = COLUMNS.get(name, VALUES) if random.random() < 0.8 else VALUES
    value = random.sample(pool, min(len(pool), random.randrange(4)))
    listed = operator in {"in", "not_in"}
    try:
        return Comparison(operator, column, Literal(value if listed else random.choice(pool)))
    except PolicyError:
        return Exists(column)
