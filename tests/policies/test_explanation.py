from __future__ import annotations

from zenith.policies import Policy

RULES = [
    {
        "name": "published",
        "action": "read",
        "conditions": [{"attribute": "resource.published", "operator": "equals", "value": True}],
    },
    {
        "name": "own",
        "action": ["read", "write"],
        "conditions": [
            {"attribute": "subject.id", "operator": "equals", "value": "resource.owner_id"},
            {
                "any": [
                    {"not": {"attribute": "context.level", "operator": "less_than", "value": 2}},
                    {"attribute": "resource.draft", "operator": "exists"},
                ]
            },
        ],
    },
    {"name": "closed", "action": "write", "effect": "deny"},
]
POLICY = Policy("documents", RULES)


def test_matched_failed_and_unknown_conditions():
    told = POLICY.explain({"id": 1}, {"owner_id": 1, "published": False}, "read")
    assert not told
    published, own = told.rules
    assert published.failed == ("resource.published equals true",)
    assert own.matched == ("subject.id equals resource.owner_id",)
    assert own.unknown == ("any(not(context.level less_than 2); resource.draft exists)",)
    assert told.missing == ("context.level", "resource.draft")
    assert told.rule is None
    assert told.reason == (
        "policy documents: read denied: no rule is satisfied: published (allow): not satisfied, "
        "false: resource.published equals true | own (allow): not satisfied, "
        "true: subject.id equals resource.owner_id, "
        "unknown: any(not(context.level less_than 2); resource.draft exists), "
        "missing: context.level; resource.draft"
    )


def test_a_value_of_another_type_is_unknown_but_not_missing():
    told = POLICY.explain({"id": 1}, {"published": "yes", "owner_id": None}, "read")
    assert told.rules[0].unknown == ("resource.published equals true",)
    assert told.rules[0].missing == ()
    assert told.rules[1].missing == ("resource.owner_id", "context.level", "resource.draft")


def test_the_rule_that_decided():
    allowed = POLICY.explain({}, {"published": True}, "read")
    assert allowed
    assert (allowed.rule, allowed.detail) == ("published", "")
    assert allowed.reason == (
        "policy documents: read allowed by published (allow): satisfied, "
        "true: resource.published equals true"
    )
    denied = POLICY.explain({}, {}, "write")
    assert (denied.rule, denied.decision) == ("closed", False)
    assert denied.reason == "policy documents: write denied by closed (deny): satisfied"


def test_an_action_that_no_rule_names():
    told = POLICY.explain({}, {}, "delete")
    assert told.rules == ()
    assert told.reason == "policy documents: delete denied: no rule names this action"


def test_groups_are_searched_for_what_is_missing():
    wanted = {
        "all": [
            {"attribute": "resource.a", "operator": "equals", "value": "context.b"},
            {"not": {"attribute": "action.name", "operator": "equals", "value": 5}},
        ]
    }
    told = Policy("p", [{"action": "a", "conditions": [wanted]}]).explain({}, {}, "a")
    assert told.missing == ("resource.a", "context.b")
