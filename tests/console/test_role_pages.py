"""Pages of roles: made, changed and given without JavaScript."""

from __future__ import annotations

import pytest

from tests.console.visitor import errors
from zenith.accounts import Client
from zenith.cli.accounts import operator

ROLES = "/admin/roles"


def make(visitor, name, **fields):
    return visitor.send(ROLES, {"name": name, **fields}, form=ROLES)


def id_of(house, email):
    return house.run(house.accounts.store.by_email(email)).id


def test_a_role_is_made_changed_renamed_and_deleted(house):
    fields = {"permissions": "posts:*\nfiles:read, a:b", "inherits": ["guest"], "level": "45"}
    answer = make(house.ada, "editor", **fields, description="<b>Edits</b>")
    assert answer.headers["location"] == f"{ROLES}/editor?notice=role-made"
    page = house.ada.get(answer.headers["location"])
    assert "The role is made" in page.text
    assert "&lt;b&gt;Edits&lt;/b&gt;" in page.text
    assert '<span class="tag long">files:read</span>' in page.text
    assert "It implies guest, user." in page.text
    assert 'href="/admin/roles/editor"' in house.ada.get(ROLES).text
    at = f"{ROLES}/editor"
    change = {"name": "writer", "permissions": "posts:read", "level": "", "description": ""}
    answer = house.ada.send(at, change, form=at)
    assert answer.headers["location"] == f"{ROLES}/writer?notice=role-changed"
    page = house.ada.get(f"{ROLES}/writer")
    assert "It implies no other role." in page.text
    assert house.ada.get(at).status_code == 404
    assert house.ada.send(at, change, form=ROLES).status_code == 404
    assert house.ada.send(f"{at}/delete", form=ROLES).status_code == 404
    answer = house.ada.send(f"{ROLES}/writer/delete", form=f"{ROLES}/writer")
    assert answer.headers["location"] == f"{ROLES}?notice=role-deleted"


def test_a_role_of_the_code_is_changed_and_brought_back(house):
    at = f"{ROLES}/guest"
    assert "The code defines it." in house.ada.get(at).text
    answer = house.ada.send(at, {"permissions": "posts:read", "level": "20"}, form=at)
    assert answer.status_code == 303, errors(answer)
    assert 'name="complete" value="yes"' in house.ada.get(at).text
    assert house.ada.send(at, {"complete": "yes"}, form=at).status_code == 303
    page = house.ada.get(at)
    assert "was changed here" in page.text
    assert "Undo the changes" in page.text
    assert "code, changed here" in house.ada.get(ROLES).text
    house.ada.send(f"{at}/delete", form=at)
    assert "The code defines it." in house.ada.get(at).text
    assert "nobody can change it" in house.ada.get(f"{ROLES}/super_admin").text


@pytest.mark.parametrize(
    ("path", "fields", "status", "said"),
    [
        (ROLES, {"name": "user"}, 409, "a role of this name"),
        (ROLES, {"name": "x", "permissions": "not-one:*:x"}, 422, "is no permission"),
        (ROLES, {"name": "x", "level": "high"}, 422, "whole number"),
        (ROLES, {"name": "x", "level": "100"}, 422, "below the administrator"),
        (ROLES, {"name": "x y"}, 422, "64 letters"),
        (f"{ROLES}/super_admin", {"complete": "yes"}, 409, "cannot be changed"),
        (f"{ROLES}/guest", {}, 422, "came empty"),
        (f"{ROLES}/user", {"level": "x"}, 422, "whole number"),
        (f"{ROLES}/user/delete", {}, 409, "defined in code"),
    ],
)
def test_a_refusal_is_said_and_the_form_kept(house, path, fields, status, said):
    answer = house.ada.send(path, fields, form=ROLES)
    assert answer.status_code == status
    assert said in errors(answer)
    if path == ROLES:
        assert f'value="{fields["name"]}"' in answer.text


def test_a_role_is_given_and_taken(house, member):
    at = f"/admin/accounts/{id_of(house, member.email)}/roles"
    assert at in house.ada.get("/admin/accounts", params={"search": member.email}).text
    answer = house.ada.send(at, {"role": "moderator", "hours": "24", "tenant": ""}, form=at)
    assert answer.headers["location"] == f"{at}?notice=role-granted"
    house.ada.send(at, {"role": "admin", "tenant": "acme"}, form=at)
    answer = house.ada.send(at, {"role": "admin", "tenant": "acme"}, form=at)
    assert answer.headers["location"] == f"{at}?notice=role-held"
    page = house.ada.get(at)
    assert "in acme" in page.text
    assert "until " in page.text
    holders = house.ada.get(f"{ROLES}/moderator")
    assert member.email in holders.text
    assert house.app.assembly.roles.current.roles
    answer = house.ada.send(f"{at}/revoke", {"role": "admin", "tenant": "acme"}, form=at)
    assert answer.headers["location"] == f"{at}?notice=role-revoked"
    assert "in acme" not in house.ada.get(at).text


def test_what_cannot_be_given_is_said(house, member):
    at = f"/admin/accounts/{id_of(house, member.email)}/roles"
    answer = house.ada.send(at, {"role": "user", "hours": "1"}, form=at)
    assert answer.status_code == 409
    assert "for good" in errors(answer)
    own = f"/admin/accounts/{id_of(house, 'ada@example.org')}/roles"
    page = house.ada.get(own)
    assert "your own account" in page.text
    assert "Take away" not in page.text
    answer = house.ada.send(f"{own}/revoke", {"role": "super_admin"}, form=at)
    assert answer.status_code == 409
    assert house.ada.get("/admin/accounts/nobody/roles").status_code == 404


def test_only_who_may_gets_there(house, member):
    at = f"/admin/accounts/{id_of(house, member.email)}/roles"
    for path in (ROLES, f"{ROLES}/user", at):
        assert member.get(path).status_code == 403
    for path in (ROLES, f"{ROLES}/user", f"{ROLES}/user/delete", at, f"{at}/revoke"):
        assert member.send(path, {"role": "user"}, form="/account/").status_code == 403
    assert house.ada.send(at, {"role": "admin"}, form=at).status_code == 303
    assert member.get(ROLES).status_code == 403
    own = member.get(f"/admin/accounts/{id_of(house, 'ada@example.org')}/roles")
    assert '<option value="moderator">' in own.text
    assert '<option value="super_admin">' not in own.text


def test_pages_lead_only_where_ones_roles_open_the_door(open_house):
    """Eve administers acme, not the application; ada administers both."""
    house = open_house(ZENITH_TENANTS__HEADER="X-Tenant")
    eve = house.visitor().join("eve@example.org")
    root = operator(house.app.assembly)
    for visitor, email, leads in (
        (eve, "eve@example.org", False),
        (house.ada, "ada@example.org", True),
    ):
        work = house.accounts.assignments.grant(
            root, id_of(house, email), "super_admin", tenant="acme", client=Client.local()
        )
        assert house.run(work)
        page = visitor.get("/account/").text
        assert ('href="/admin/accounts"' in page) is leads
        assert (visitor.get("/admin/accounts").status_code == 200) is leads
