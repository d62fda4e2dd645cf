"""Access by attributes: the guide's `Policy` and its rules, unchanged."""

from __future__ import annotations

from zenith.policies import Policy

document_policy = Policy(
    name="document_access",
    rules=[
        {
            "action": "read",
            "effect": "allow",
            "conditions": [
                {"attribute": "resource.public", "operator": "equals", "value": True},
            ],
        },
        {
            "action": "read",
            "effect": "allow",
            "conditions": [
                {"attribute": "subject.id", "operator": "equals", "value": "resource.owner_id"},
            ],
        },
        {
            "action": "write",
            "effect": "allow",
            "conditions": [
                {"attribute": "subject.id", "operator": "equals", "value": "resource.owner_id"},
                {"attribute": "resource.locked", "operator": "equals", "value": False},
            ],
        },
    ],
)
