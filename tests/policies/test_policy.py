from __future__ import annotations

from enum import StrEnum

import pytest

from zenith.authorization import Authorizer
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.principal import Principal
from zenith.policies import Policy, PolicyError, Rule

ADA = Principal(subject="ada")
OWNER = {"attribute": "subject.id", "operator": "equals", "value": "resource.owner_id"}
LOCKED = {"attribute": "resource.locked", "operator": "equals", "value": True}


def test_what_no_rule_allows_is_denied():
    policy = Policy("empty", [])
    assert not policy.evaluate({}, {}, "read")
    assert policy.explain({}, {}, "read").rule is None


def test_deny_overrides_wherever_it_stands():
    allow, deny = {"action": "*"}, {"action": "write", "effect": "deny", "conditions": [LOCKED]}
    for rules in ([allow, deny], [deny, allow]):
        policy = Policy("p", rules)
        assert not policy.evaluate({}, {"locked": True}, "write")
        assert policy.evaluate({}, {"locked": False}, "write")
        assert policy.evaluate({}, {"locked": True}, "read")


def test_the_first_match_decides_where_it_is_asked_to():
    allow, deny = {"action": "*"}, {"action": "write", "effect": "deny", "conditions": [LOCKED]}
    locked = {"locked": True}
    first = Policy("p", [allow, deny], combine="first-match")
    assert first.combine == "first-match"
    assert first.evaluate({}, locked, "write")
    last = Policy("p", [deny, allow], combine="first-match")
    assert not last.evaluate({}, locked, "write")
    assert last.explain({}, locked, "write").rule == "rule 1"


def test_the_first_match_counts_across_actions_and_attributes():
    """The index keeps rules in several places; the first of all decides."""

    def rule(number: int, effect: str, action: str = "read") -> dict[str, object]:
        value = {"attribute": "resource.kind", "operator": "equals", "value": f"k{number}"}
        return {"action": action, "effect": effect, "conditions": [value]}

    rules = [
        *(rule(number, "deny") for number in range(8)),
        {"action": "*", "conditions": [OWNER]},
        *(rule(number, "allow") for number in range(8, 16)),
        {"action": "read", "effect": "deny"},
    ]
    policy = Policy("p", rules, combine="first-match")
    mine, other = {"owner_id": "ada"}, {"owner_id": "bob"}
    assert not policy.evaluate(ADA, {**mine, "kind": "k3"}, "read")
    assert policy.evaluate(ADA, {**mine, "kind": "k9"}, "read")
    assert policy.evaluate(ADA, {**other, "kind": "k9"}, "read")
    assert not policy.evaluate(ADA, {**other, "kind": "k99"}, "read")
    assert not policy.evaluate(ADA, {**other, "kind": 9}, "read")
    assert policy.evaluate(ADA, mine, "write")


def test_rules_with_fields_allow_but_deny_nothing_but_fields():
    policy = Policy(
        "p",
        [
            {"action": "read", "fields": ["title"]},
            {"action": "read", "effect": "deny", "fields": ["salary"]},
        ],
    )
    assert policy.evaluate({}, {}, "read")
    told = policy.explain({}, {}, "read")
    assert [report.decides for report in told.rules] == [True, False]
    assert not Policy("p", [{"action": "read", "effect": "deny", "fields": ["a"]}]).evaluate(
        {}, {}, "read"
    )


def test_actions_may_be_members_of_enumerations():
    class Action(StrEnum):
        READ = "read"
        LIST = "list"

    policy = Policy("p", [{"action": [Action.READ, Action.LIST]}])
    assert policy.evaluate({}, {}, Action.READ)
    assert policy.evaluate({}, {}, "list")
    assert Policy("p", [{"action": Action.READ}]).evaluate({}, {}, "read")


def test_rules_are_known_by_their_names():
    policy = Policy("p", [{"action": "read"}, Rule("mine", "allow", None)])
    assert [rule.name for rule in policy.rules] == ["rule 1", "mine"]
    assert policy.name == "p"
    assert repr(policy) == "Policy('p', 2 rules, combine='deny-overrides')"
    with pytest.raises(PolicyError, match=r"rule 2 \(a\): there are two rules `a`"):
        Policy("p", [{"action": "read", "name": "a"}, {"action": "write", "name": "a"}])


@pytest.mark.parametrize(
    ("name", "rules", "combine"),
    [
        ("", [], "deny-overrides"),
        (None, [], "deny-overrides"),
        ("p", {}, "deny-overrides"),
        ("p", "rules", "deny-overrides"),
        ("p", None, "deny-overrides"),
        ("p", [], "allow-overrides"),
        ("p", [], None),
    ],
)
def test_unsound_policies_are_refused(name, rules, combine):
    with pytest.raises(PolicyError):
        Policy(name, rules, combine=combine)


def test_an_error_names_policy_rule_condition_and_fix():
    wrong = {"attribute": "resource.x", "operator": "like", "value": "a"}
    rules = [{"action": "read"}, {"action": "read", "name": "b", "conditions": [OWNER, wrong]}]
    with pytest.raises(ConfigurationError) as raised:
        Policy("documents", rules)
    assert isinstance(raised.value, PolicyError)
    assert raised.value.problem == (
        "policy `documents`, rule 2 (b), condition 2: there is no operator 'like'"
    )
    assert "starts_with" in raised.value.fix
    assert raised.value.path == ("rules", 1, "conditions", 1, "operator")
    nested = {"not": {"any": [OWNER, {"all": [wrong]}]}}
    with pytest.raises(PolicyError, match="condition 1, any 2, all 1"):
        Policy("p", [{"action": "read", "conditions": [nested]}])


async def test_it_is_an_authorizer():
    authorizer: Authorizer = Policy("documents", [{"action": "read", "conditions": [OWNER]}])
    allowed = await authorizer.authorize(ADA, "read", {"owner_id": "ada"}, {})
    denied = await authorizer.authorize(ADA, "read", {"owner_id": "bob"}, {})
    assert allowed.allowed
    assert allowed.reason == "policy documents: rule 1"
    assert denied.denied
    assert denied.detail == "Permission denied: read"
    assert "false: subject.id equals resource.owner_id" in denied.reason


async def test_a_denial_names_the_rule_that_denies():
    rules = [
        *({"action": "write", "conditions": [OWNER]} for _ in range(30)),
        {"name": "locked", "action": "write", "effect": "deny", "conditions": [LOCKED]},
    ]
    resource = {"owner_id": "ada", "locked": True}
    denied = await Policy("p", rules).authorize(ADA, "write", resource, {})
    assert denied.reason == (
        "policy p: write denied by locked (deny): satisfied, true: resource.locked equals true"
    )
    refused = await Policy("p", rules).authorize(ADA, "write", {}, {})
    assert "rule 20 " in refused.reason
    assert "rule 21 " not in refused.reason
