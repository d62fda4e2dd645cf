"""The attack: send more fields than the form has, and become an administrator by registering."""

from __future__ import annotations

import pytest

from tests.accounts.application import (
    EMAIL,
    OTHER_PASSWORD,
    PASSWORD,
    bearer,
    browse,
    login,
    make_app,
    register,
    running,
)


@pytest.fixture
async def client(tmp_path):
    async with running(make_app(tmp_path)) as app, browse(app) as client:
        yield client


EXTRA = {
    "roles": ["super_admin"],
    "role": "super_admin",
    "permissions": ["*"],
    "id": "0" * 32,
    "is_admin": True,
    "locked_at": None,
    "email_verified_at": 1.0,
    "created_at": 0,
    "__class__": "Account",
}


@pytest.mark.parametrize("field", EXTRA)
async def test_registration_takes_what_it_declares(client, field):
    answer = await register(client, **{field: EXTRA[field]})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["type"] == "extra_forbidden"
    assert (await login(client)).status_code == 401


async def test_no_other_body_takes_more_either(client):
    assert (await register(client)).status_code == 201
    tokens = (await login(client)).json()
    bodies = {
        "/auth/login": {"email": EMAIL, "password": PASSWORD},
        "/auth/refresh": {"refresh_token": tokens["refresh_token"]},
        "/auth/password": {"current_password": PASSWORD, "new_password": OTHER_PASSWORD},
    }
    for path, body in bodies.items():
        answer = await client.post(path, json={**body, "roles": ["admin"]}, headers=bearer(tokens))
        assert answer.status_code == 422, path
    me = (await client.get("/auth/me", headers=bearer(tokens))).json()
    assert me["roles"] == ["user"]


async def test_the_query_and_headers_assign_nothing(client):
    body = {"email": EMAIL, "password": PASSWORD}
    await client.post("/auth/register?roles=super_admin", json=body, headers={"X-Roles": "admin"})
    me = await client.get("/auth/me", headers=bearer((await login(client)).json()))
    assert me.json()["roles"] == ["user"]
