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
    sign_in_with_form,
)
from zenith.accounts import auth_router
from zenith.authorization.access import accesses
from zenith.pipeline import marks_of


@pytest.fixture
async def app(tmp_path):
    async with running(make_app(tmp_path)) as app:
        yield app


@pytest.fixture
async def client(app):
    async with browse(app, headers={"User-Agent": "curl/8"}) as client:
        assert (await register(client, name="Ada")).status_code == 201
        yield client


@pytest.fixture
async def tokens(client):
    return (await login(client)).json()


async def test_sign_in_answers_with_tokens_that_nothing_keeps(client):
    answer = await login(client)
    assert answer.status_code == 200
    assert answer.json().keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert answer.json()["token_type"] == "bearer"
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers


async def test_wrong_passwords_are_401(client):
    answer = await login(client, password=OTHER_PASSWORD)
    assert answer.status_code == 401
    assert answer.json()["code"] == "invalid_credentials"
    assert answer.headers["content-type"] == "application/problem+json"


async def test_me(client, tokens):
    me = (await client.get("/auth/me", headers=bearer(tokens))).json()
    assert (me["email"], me["name"], me["roles"]) == (EMAIL, "Ada", ["user"])
    assert "posts:read" in me["permissions"]
    assert me["factors"].keys() == {"password"}


async def test_refresh(client, tokens):
    answer = await client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    me = await client.get("/auth/me", headers=bearer(answer.json()))
    assert me.status_code == 200


async def test_sessions_are_listed_and_ended(client, tokens):
    other = (await login(client)).json()
    listed = (await client.get("/auth/sessions", headers=bearer(tokens))).json()
    assert [item["device"] for item in listed] == ["curl", "curl"]
    assert sum(item["current"] for item in listed) == 1
    (foreign,) = [item["id"] for item in listed if not item["current"]]
    path = f"/auth/sessions/{foreign}"
    assert (await client.delete(path, headers=bearer(tokens))).status_code == 204
    assert (await client.get("/auth/me", headers=bearer(other))).status_code == 401
    assert (await client.delete(path, headers=bearer(tokens))).status_code == 404


async def test_logout(client, tokens):
    answer = await client.post("/auth/logout", headers=bearer(tokens))
    assert answer.status_code == 204
    assert "set-cookie" not in answer.headers
    assert (await client.get("/auth/me", headers=bearer(tokens))).status_code == 401


async def test_logout_everywhere(client, tokens):
    other = (await login(client)).json()
    answer = await client.post("/auth/logout/everywhere", headers=bearer(tokens))
    assert answer.json() == {"ended": 2}
    for each in (tokens, other):
        assert (await client.get("/auth/me", headers=bearer(each))).status_code == 401


async def test_a_browser_forgets_its_cookie_at_logout(app, client):
    await sign_in_with_form(client)
    token = (await client.get("/page")).json()["token"]
    answer = await client.post("/auth/logout", headers={"X-CSRF-Token": token})
    assert answer.status_code == 204
    assert answer.headers["set-cookie"].startswith("zenith-session=; Path=/; Max-Age=0")
    assert (await client.get("/page")).json()["who"] == ""


async def test_the_password_is_changed(client, tokens):
    wrong = {"current_password": OTHER_PASSWORD, "new_password": OTHER_PASSWORD}
    answer = await client.post("/auth/password", json=wrong, headers=bearer(tokens))
    assert answer.status_code == 401
    weak = {"current_password": PASSWORD, "new_password": "tiny"}
    answer = await client.post("/auth/password", json=weak, headers=bearer(tokens))
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "new_password"]
    right = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
    answer = await client.post("/auth/password", json=right, headers=bearer(tokens))
    assert answer.status_code == 204
    assert (await login(client)).status_code == 401
    assert (await login(client, password=OTHER_PASSWORD)).status_code == 200


async def test_weak_registrations_say_what_to_improve(client):
    answer = await register(client, email="bob@example.org", password="tiny")
    assert answer.status_code == 422
    assert answer.json()["code"] == "weak_password"
    answer = await register(client, email="bob", password=PASSWORD)
    assert answer.json()["detail"][0]["loc"] == ["body", "email"]
    answer = await register(client, email="bob@example.org", password=PASSWORD, name="a\x07")
    assert answer.json()["detail"][0]["loc"] == ["body", "name"]


def test_every_route_says_who_may_call_it():
    for route in auth_router(prefix="/users").routes:
        assert route.path.startswith("/users/")
        assert accesses(marks_of(route.endpoint)), route.path
