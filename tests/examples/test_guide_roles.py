"""The guide's roles and `@require_permission`."""

from __future__ import annotations

from examples.guide.tokens import token_functions
from tests.examples.conftest import PASSWORD
from zenith.rbac import ROLE_HIERARCHY, ROLE_PERMISSIONS, Role, RoleSet

NEW = {"email": "new@example.org", "password": PASSWORD}


def test_the_default_roles_are_the_guides():
    """Our defaults, so that applications written to the guide keep their meaning."""
    assert [role.value for role in Role] == ["super_admin", "admin", "moderator", "user", "guest"]
    assert [ROLE_HIERARCHY[role] for role in Role] == [100, 80, 60, 40, 20]
    assert ROLE_PERMISSIONS[Role.SUPER_ADMIN] == ("*",)
    assert "users:write:own" in ROLE_PERMISSIONS[Role.USER]


def test_a_wildcard_ends_at_its_segment():
    """The guide matches with `fnmatch`: `*` also crosses colons and `users:[rw]*` is a pattern, so
    a granted text may allow what nobody meant."""
    roles = RoleSet()
    assert roles.has_permission("admin", "users:write")
    assert not roles.has_permission("admin", "settings:delete")
    assert not roles.has_permission("guest", "posts:write", custom_permissions=["posts:w[r]ite"])
    assert not roles.has_permission("guest", "posts:write", custom_permissions=["po*"])


def test_custom_permissions_may_hold_wildcards_and_inactive_accounts_hold_nothing():
    """The guide compares custom permissions as plain text, so `reports:*` among them grants
    nothing."""
    roles = RoleSet()
    own = ["reports:*"]
    assert roles.has_permission("user", "reports:read", custom_permissions=own)
    assert not roles.has_permission("super_admin", "users:write", is_active=False)


def test_a_role_has_what_lower_roles_have():
    """In the guide the hierarchy counts in `has_role` alone, so a moderator lacks what a user may
    do with his own account; an unknown required role counts 100, an unknown own role 0."""
    roles = RoleSet()
    assert roles.has_role("moderator", "user")
    assert not roles.has_role("user", "moderator")
    assert roles.has_permission("moderator", "comments:read")
    assert not roles.has_role("super_admin", "no_such_role")


async def test_permission_is_asked_whatever_the_handler_is_called_with(guide):
    """The guide's decorator looks for an argument called `current_user`, after FastAPI has read
    the whole body. Ours decides by itself, before."""
    bearer = await guide.bearer()
    nobody = await guide.client.post(
        "/admin/users", content=b"not json", headers=await guide.csrf()
    )
    denied = await guide.client.post("/admin/users", content=b"not json", headers=bearer)
    assert nobody.status_code == 401
    assert denied.status_code == 403
    assert denied.json()["detail"] == "Permission denied: users:write required"


async def test_an_administrator_creates_users(guide):
    """The account that comes of it can sign in."""
    bearer = await guide.administrator()
    created = await guide.client.post("/admin/users", json=NEW, headers=bearer)
    assert created.status_code == 201
    assert (await guide.log_in(NEW["email"])).status_code == 200


async def test_an_own_permission_is_not_the_permission(guide):
    """The guide lists `users:write:own` and nothing there looks at whose account it is."""
    bearer = await guide.bearer()
    me = (await guide.client.get("/auth/me", headers=bearer)).json()
    assert "users:write:own" in me["permissions"]
    assert (await guide.client.post("/admin/users", json=NEW, headers=bearer)).status_code == 403


async def test_no_role_can_be_slipped_into_a_registration(guide):
    """The guide builds its table row from the request model: one field more is one role more."""
    body = {**NEW, "role": "super_admin"}
    answer = await guide.client.post("/register", json=body, headers=await guide.csrf())
    assert answer.status_code == 422


async def test_a_higher_role_passes_for_the_lower(guide):
    """`require_role` follows the hierarchy."""
    tokens = token_functions(guide.app)
    statuses = {}
    for role in Role:
        token = tokens.create_access_token({"sub": "ada", "roles": [role.value]})
        headers = {"Authorization": f"Bearer {token}"}
        answer = await guide.client.get("/moderation/queue", headers=headers)
        statuses[role.value] = answer.status_code
    assert statuses == {
        "super_admin": 200,
        "admin": 200,
        "moderator": 200,
        "user": 403,
        "guest": 403,
    }
