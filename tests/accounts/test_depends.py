from __future__ import annotations

from tests.accounts.application import (
    ALICE,
    EMAIL,
    PASSWORD,
    bearer,
    browse,
    login,
    make_app,
    register,
    running,
)
from zenith.accounts import CurrentUser, get_current_user
from zenith.authorization import Access
from zenith.pipeline import enforced_marks
from zenith.tokens import TokenManager


async def test_a_handler_gets_the_account_that_called(tmp_path):
    app = make_app(tmp_path)

    @app.get("/mine")
    async def mine(user: CurrentUser):
        return {"email": user.email, "roles": user.roles}

    async with running(app), browse(app) as client:
        assert (await client.get("/mine")).status_code == 401
        await register(client)
        tokens = (await login(client)).json()
        answer = await client.get("/mine", headers=bearer(tokens))
        assert answer.json() == {"email": EMAIL, "roles": ["user"]}


async def test_callers_that_are_no_account_are_refused(tmp_path):
    app = make_app(tmp_path)
    async with running(app), browse(app) as client:
        manager = TokenManager(keyring=app.assembly.keyring, settings=app.assembly.settings.tokens)
        token = manager.issue_access("nobody")
        answer = await client.get("/auth/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401


async def test_a_key_of_an_account_is_not_the_account(tmp_path):
    app = make_app(tmp_path)
    async with running(app), browse(app) as client:
        await register(client)
        headers = bearer((await login(client)).json())
        made = await client.post("/auth/api-keys", json={"name": "export"}, headers=headers)
        answer = await client.get("/auth/me", headers={"X-API-Key": made.json()["key"]})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_an_account")
    assert "an API key or a service is no account" in answer.json()["detail"]
    assert EMAIL not in answer.text


def test_the_dependency_declares_its_route():
    assert any(isinstance(mark, Access) for mark in enforced_marks(get_current_user))


async def test_the_flows_are_at_hand_outside_requests(tmp_path):
    app = make_app(tmp_path)
    async with running(app):
        await app.accounts.registration.register(EMAIL, PASSWORD, client=ALICE)
        pair = await app.accounts.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
        async with browse(app) as client:
            headers = {"Authorization": f"Bearer {pair.access_token}"}
            assert (await client.get("/auth/me", headers=headers)).json()["email"] == EMAIL
