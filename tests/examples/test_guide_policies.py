"""The guide's `Policy` and its example rules."""

from __future__ import annotations

import pytest

from examples.guide.policies import document_policy
from zenith.policies import Policy, PolicyError

OWNER, OTHER = {"id": 7, "role": "user"}, {"id": 8, "role": "user"}


@pytest.mark.parametrize(
    ("subject", "resource", "action", "allowed"),
    [
        (OTHER, {"id": 1, "owner_id": 7, "public": True}, "read", True),
        (OTHER, {"id": 1, "owner_id": 7, "public": False}, "read", False),
        (OWNER, {"id": 1, "owner_id": 7, "public": False}, "read", True),
        (OWNER, {"id": 1, "owner_id": 7, "locked": False}, "write", True),
        (OWNER, {"id": 1, "owner_id": 7, "locked": True}, "write", False),
        (OTHER, {"id": 1, "owner_id": 7, "locked": False}, "write", False),
        (OTHER, {"id": 1, "owner_id": 7, "public": True}, "write", False),
        (OWNER, {"id": 1, "owner_id": 7, "public": True, "locked": False}, "delete", False),
        ({"id": "resource.owner_id"}, {"owner_id": 7, "locked": False}, "write", False),
    ],
)
def test_owners_public_and_locked_documents(subject, resource, action, allowed):
    """The guide compares the id with the text "resource.owner_id", so no owner may read or write
    his own document, and whoever registers under that name may write every one."""
    assert document_policy.evaluate(subject=subject, resource=resource, action=action) is allowed


def test_the_class_takes_the_guides_rules_and_refuses_what_it_would_skip():
    """In the guide an operator or an attribute that is misspelled makes a condition false, which
    in a rule that denies allows; a missing fact under `greater_than` is a TypeError, and under
    `not_equals` it is true; the first rule that matches decides, so that a later one that denies
    does nothing."""
    assert document_policy.name == "document_access"
    secret = {"attribute": "resource.level", "operator": "not_equals", "value": "secret"}
    large = {"attribute": "resource.size", "operator": "greater_than", "value": 5}
    for condition in (secret, large):
        policy = Policy("p", [{"action": "read", "conditions": [condition]}])
        assert not policy.evaluate({}, {}, "read")
        misspelled = {**condition, "operator": condition["operator"].upper()}
        with pytest.raises(PolicyError, match="no operator"):
            Policy("p", [{"action": "read", "conditions": [misspelled]}])
    later = Policy("p", [{"action": "*"}, {"action": "read", "effect": "deny"}])
    assert not later.evaluate({}, {}, "read")
