"""Cedar policies behind the same protocol: they decide, and whatever goes wrong denies."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

import pytest

from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import Principal
from zenith.policies import PolicyError
from zenith.policies.cedar import CedarAuthorizer

ADA = Principal(
    subject="ada", roles=frozenset({"editor"}), permissions=Permissions(["posts:*"]), tenant="t1"
)
OWNER = (
    'permit(principal, action == Action::"read", resource) when { resource.owner == principal.id };'
)


@dataclass
class Document:
    id: int
    owner: str
    locked: bool = False


async def allows(policies: str, resource: Any, action: str = "read", **options: Any) -> bool:
    context = options.pop("context", {})
    decision = await CedarAuthorizer(policies, **options).authorize(ADA, action, resource, context)
    assert bool(decision.reason)
    assert decision.detail == ("" if decision.allowed else f"Permission denied: {action}")
    return decision.allowed


async def test_attributes_roles_actions_and_context_decide() -> None:
    assert await allows(OWNER, Document(1, "ada"))
    assert not await allows(OWNER, Document(1, "bob"))
    assert not await allows(OWNER, Document(1, "ada"), "write")
    role = 'permit(principal in Role::"editor", action, resource);'
    assert await allows(role, {})
    assert not await allows(role.replace("editor", "admin"), {})
    place = 'permit(principal, action, resource) when { context.place == "here" };'
    assert await allows(place, None, context={"place": "here"})
    assert not await allows(place, None, context={"place": "there"})
    assert await allows('permit(principal == User::"ada", action, resource);', {})
    assert await allows(
        'permit(principal, action, resource) when { principal.permissions.contains("posts:*") };',
        {},
    )


async def test_the_resource_has_a_type_and_an_id() -> None:
    one = 'permit(principal, action, resource == Document::"1");'
    assert await allows(one, Document(1, "ada"))
    assert not await allows(one, Document(2, "ada"))
    assert await allows(one, {"id": 1}, resource_type="Document")
    assert await allows(one, {"id": 1}, resource_type=lambda _: "Document")
    assert not await allows(one, {"id": 1})


async def test_what_forbids_overrides() -> None:
    both = OWNER + "forbid(principal, action, resource) when { resource.locked };"
    assert await allows(both, Document(1, "ada"))
    assert not await allows(both, Document(1, "ada", locked=True))


async def test_an_error_in_any_policy_denies() -> None:
    forbids = "forbid(principal, action, resource) when { resource.locked };"
    both = f"permit(principal, action, resource); {forbids}"
    assert not await allows(both, {"id": 1}), "Cedar itself would skip what forbids"


@pytest.mark.parametrize(
    ("value", "condition"),
    [
        (7, "resource.value == 7"),
        (True, "resource.value"),
        ("é", 'resource.value == "é"'),
        (1.5, 'resource.value == decimal("1.5")'),
        (Decimal(2), 'resource.value == decimal("2.0")'),
        (UUID(int=1), 'resource.value == "00000000-0000-0000-0000-000000000001"'),
        ([1, 2], "resource.value.contains(2)"),
        ({"a": {"b": 1}}, "resource.value.a.b == 1"),
        (ip_address("10.1.2.3"), 'resource.value.isInRange(ip("10.0.0.0/8"))'),
        (ip_network("10.1.0.0/16"), 'resource.value.isInRange(ip("10.0.0.0/8"))'),
        (datetime(2026, 1, 2, tzinfo=UTC), 'resource.value == datetime("2026-01-02")'),
        (date(2026, 1, 2), 'resource.value == datetime("2026-01-02")'),
        (None, "!(resource has value)"),
    ],
)
async def test_values_are_cedars(value: Any, condition: str) -> None:
    policy = f"permit(principal, action, resource) when {{ {condition} }};"
    assert await allows(policy, {"value": value})


@pytest.mark.parametrize(
    "value",
    [
        *(1 << 63, 1.00001, float("inf"), Decimal("1E+30"), b"x", object(), "\ud800"),
        datetime.fromisoformat("2026-01-02T00:00:00"),
        datetime(2026, 1, 2, 0, 0, 0, 1, tzinfo=UTC),
        {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": 1}}}}}}}},
    ],
)
async def test_what_cedar_cannot_hold_denies(value: Any) -> None:
    everything = "permit(principal, action, resource);"
    assert not await allows(everything, {"value": value})
    assert await allows(everything, {"value": value}, attributes=["id"])


async def test_further_entities() -> None:
    policy = 'permit(principal, action, resource) when { Team::"t".open };'

    def teams(principal: Principal, resource: Any) -> list[dict[str, Any]]:
        return [{"uid": {"type": "Team", "id": "t"}, "attrs": {"open": True}, "parents": []}]

    assert await allows(policy, {}, entities=teams)
    assert not await allows(policy, {})

    def broken(principal: Principal, resource: Any) -> list[dict[str, Any]]:
        raise RuntimeError("the directory is away")

    assert not await allows("permit(principal, action, resource);", {}, entities=broken)


SCHEMA = """
entity Role;
entity User in [Role] { id: String, kind: String, roles: Set<String>, permissions: Set<String>,
  scopes?: Set<String>, tenant?: String, scheme?: String };
entity Resource { owner: String };
action "read" appliesTo { principal: User, resource: Resource };
"""


async def test_a_schema_is_held() -> None:
    assert await allows(OWNER, {"owner": "ada"}, schema=SCHEMA)
    assert not await allows(OWNER, {"owner": 7}, schema=SCHEMA)
    with pytest.raises(PolicyError, match="does not fit its schema"):
        CedarAuthorizer(OWNER.replace("resource.owner", "resource.author"), schema=SCHEMA)
    with pytest.raises(PolicyError, match="policy `mine`"):
        CedarAuthorizer(OWNER, schema="entity", name="mine")


def test_what_is_no_policy_is_refused() -> None:
    with pytest.raises(PolicyError, match="policy `cedar`"):
        CedarAuthorizer("permit(everybody);")
    assert CedarAuthorizer("", name="documents").name == "documents"


def test_without_cedarpy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(PolicyError, match=r"zenith-security\[cedar\]"):
        CedarAuthorizer("")
