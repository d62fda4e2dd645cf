"""The JSON routes about one's own sign-ins."""

from __future__ import annotations

import pytest

from tests.accounts.application import (
    ORIGIN,
    OTHER_PASSWORD,
    PASSWORD,
    bearer,
    browse,
    login,
    make_app,
    register,
    running,
    sign_in_with_form,
)


@pytest.fixture
async def client(tmp_path):
    async with running(make_app(tmp_path)) as app, browse(app) as client:
        await register(client)
        yield client


async def test_sessions_are_listed_with_name_and_place(client):
    tokens = (await login(client)).json()
    (item,) = (await client.get("/auth/sessions", headers=bearer(tokens))).json()
    assert (item["kind"], item["name"], item["place"]) == ("tokens", "", "this computer")
    assert (item["remembered"], item["current"]) == (False, True)


async def test_owners_name_and_end_their_own_only(client):
    tokens = bearer((await login(client)).json())
    (item,) = (await client.get("/auth/sessions", headers=tokens)).json()
    path = f"/auth/sessions/{item['id']}"
    answer = await client.patch(path, json={"name": "Kitchen"}, headers=tokens)
    assert answer.status_code == 204
    (item,) = (await client.get("/auth/sessions", headers=tokens)).json()
    assert item["name"] == "Kitchen"
    await register(client, email="eve@example.org")
    eve = bearer((await login(client, "eve@example.org")).json())
    assert (await client.patch(path, json={"name": "x"}, headers=eve)).status_code == 404
    assert (await client.delete(path, headers=eve)).status_code == 404
    for body in ({"name": "x" * 61}, {"name": "a\x00"}, {"name": 5}, {"name": "a", "b": 1}, {}):
        assert (await client.patch(path, json=body, headers=tokens)).status_code == 422


async def test_a_changed_password_gives_the_browser_a_new_cookie(client):
    await sign_in_with_form(client)
    before = client.cookies["zenith-session"]
    token = (await client.get("/page")).json()["token"]
    answer = await client.post(
        "/auth/password",
        json={"current_password": PASSWORD, "new_password": OTHER_PASSWORD},
        headers={"X-CSRF-Token": token, "Origin": ORIGIN},
    )
    assert answer.status_code == 204
    assert client.cookies["zenith-session"] != before
    assert (await client.get("/auth/me")).status_code == 200
