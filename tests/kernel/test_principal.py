from __future__ import annotations

import dataclasses

import pytest

from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import ANONYMOUS, Principal


def test_the_anonymous_principal_holds_nothing():
    assert not ANONYMOUS.is_authenticated
    assert not ANONYMOUS.has_permission("a")
    assert not ANONYMOUS.has_scope("a")
    assert (ANONYMOUS.subject, ANONYMOUS.scheme, ANONYMOUS.roles) == ("", "", frozenset())


@pytest.mark.parametrize("kind", ["user", "api_key", "service"])
def test_whoever_has_a_credential_is_authenticated(kind):
    assert Principal(subject="a", kind=kind).is_authenticated


def test_permissions_and_scopes():
    principal = Principal(
        subject="a", permissions=Permissions(["users:*"]), scopes=frozenset({"read"})
    )
    assert principal.has_permission("users:write")
    assert not principal.has_permission("posts:write")
    assert principal.has_scope("read")
    assert not principal.has_scope("write")
    assert not Principal(subject="a").has_scope("read")


def test_a_change_of_privilege_makes_a_new_principal():
    principal = Principal(subject="a")
    with pytest.raises(dataclasses.FrozenInstanceError):
        principal.roles = frozenset({"admin"})
    with pytest.raises(TypeError):
        principal.factors["totp"] = 1.0
    assert "admin" in dataclasses.replace(principal, roles=frozenset({"admin"})).roles
