from __future__ import annotations

from tests.accounts.fakes import principal
from tests.accounts.test_recent import account
from zenith.accounts import User


def test_a_user_is_its_account_and_its_credential():
    held = account(name="Ada", roles=("admin",), permissions=("reports:read",))
    user = User(account=held, principal=principal("a", roles=("admin",)))
    assert (user.id, user.email, user.name) == ("a", "a@example.org", "Ada")
    assert (user.roles, user.custom_permissions) == (("admin",), ("reports:read",))
    assert user.is_active
    assert user.has_role("moderator")
    assert not user.has_role("super_admin")
    assert user.has_permission("users:write")
    assert not user.has_permission("billing:write")


def test_a_locked_user_may_nothing():
    user = User(account=account(locked_at=1.0), principal=principal("a"))
    assert not user.is_active
    assert not user.has_role("user")
    assert not user.has_permission("posts:read")


def test_reprs_name_no_person():
    assert "example.org" not in repr(account())
