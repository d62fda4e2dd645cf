from __future__ import annotations

import pytest

from zenith.policies import (
    All,
    Any_,
    Comparison,
    Exists,
    Literal,
    Not,
    Policy,
    PolicyError,
    Reference,
    Rule,
)

X = Reference("resource", ("x",))
IS_A = Comparison("equals", X, Literal("a"))


def test_dictionaries_and_trees_are_the_same_rules():
    conditions = {
        "any": [
            {"not": [{"attribute": "resource.x", "operator": "equals", "value": "a"}]},
            {
                "not": [
                    {"attribute": "resource.x", "operator": "exists"},
                    {"attribute": "resource.x", "operator": "missing"},
                ]
            },
            {"all": [{"attribute": "subject.a.b", "operator": "in", "value": "context.c-d"}]},
        ]
    }
    read = Policy("p", [{"name": "r", "action": "*", "conditions": conditions}]).rules
    tree = Any_(
        (
            Not(IS_A),
            Not(All((Exists(X), Not(Exists(X))))),
            All(
                (
                    Comparison(
                        "in", Reference("subject", ("a", "b")), Reference("context", ("c-d",))
                    ),
                )
            ),
        )
    )
    assert read == (Rule("r", "allow", None, All((tree,))),)


def test_texts():
    tree = All((Not(Exists(X)), Any_((IS_A, Not(IS_A)))))
    assert str(tree) == (
        'all(resource.x missing; any(resource.x equals "a"; not(resource.x equals "a")))'
    )


def test_a_single_condition_is_a_group_of_one():
    assert Rule("r", "allow", None, IS_A).condition == All((IS_A,))  # type: ignore[arg-type]


def test_the_action_has_a_name():
    reference = Reference("action", ("name",))
    rule = Rule("r", "allow", None, All((Comparison("starts_with", reference, Literal("re")),)))
    assert Policy("p", [rule]).evaluate({}, {}, "read")
    assert not Policy("p", [rule]).evaluate({}, {}, "write")
    with pytest.raises(PolicyError, match="name only"):
        Reference("action", ("kind",))


def test_paths_lead_through_mappings_and_objects():
    rules = [
        {
            "action": "a",
            "conditions": [{"attribute": "subject.team.lead.id", "operator": "equals", "value": 1}],
        }
    ]
    policy = Policy("p", rules)
    assert policy.evaluate({"team": {"lead": {"id": 1}}}, {}, "a")
    for subject in ({}, {"team": None}, {"team": {"lead": 5}}, {"team": []}):
        assert not policy.evaluate(subject, {}, "a")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Rule("r", "permit", None),  # type: ignore[arg-type]
        lambda: Rule("r", "allow", frozenset()),
        lambda: Rule("r", "allow", "read"),  # type: ignore[arg-type]
        lambda: Rule("", "allow", None),
        lambda: Rule("r", "allow", None, All(("x",))),  # type: ignore[arg-type]
        lambda: Rule("r", "allow", None, fields=frozenset({""})),
        lambda: Comparison("exists", X, Literal(1)),
        lambda: Reference("user", ("id",)),  # type: ignore[arg-type]
        lambda: Reference("resource", ()),
    ],
)
def test_unsound_trees_are_refused(make):
    with pytest.raises(PolicyError):
        make()
