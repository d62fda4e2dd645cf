"""Each example as a client sees it."""

from __future__ import annotations

import importlib
import secrets

import httpx
import pytest

SECRET = secrets.token_urlsafe(48)


def client_of(app):
    transport = httpx.ASGITransport(app=app)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


@pytest.fixture
def load(monkeypatch, tmp_path):
    """The module of an example, as it is in a process of its own."""
    monkeypatch.setenv("ZENITH_SECRET_KEY", SECRET)
    monkeypatch.setenv("ZENITH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZENITH_PASSWORDS__PROFILE", "testing")
    monkeypatch.setenv("ZENITH_ACCOUNTS__REGISTER_SECONDS", "0")
    monkeypatch.chdir(tmp_path)

    def load(name):
        return importlib.reload(importlib.import_module(f"examples.{name}"))

    return load


async def test_the_smallest_app_has_accounts(load):
    app = load("smallest").app
    credentials = {"email": "ada@example.org", "password": "violet tractor pond ninety"}
    async with client_of(app) as client:
        refused = await client.get("/")
        await client.post("/auth/register", json=credentials)
        pair = (await client.post("/auth/login", json=credentials)).json()
        bearer = {"Authorization": f"Bearer {pair['access_token']}"}
        greeting = await client.get("/", headers=bearer)
        await client.post("/auth/logout", headers=bearer)
        after = await client.get("/", headers=bearer)
    await app.middleware_stack.stop()
    assert refused.status_code == 401
    assert greeting.json() == {"message": "Hello ada@example.org"}
    assert after.status_code == 401
    assert "default-src 'none'" in refused.headers["content-security-policy"]


async def test_plain_fastapi_decides_before_the_body_is_read(load):
    example = load("plain_fastapi")
    token = example.tokens.issue_access("ada", permissions=["notes:write"])
    poor = example.tokens.issue_access("bob", permissions=["notes:read"])
    async with client_of(example.protected) as client:
        hello = await client.get("/")
        nobody = await client.post("/notes", content=b"not even json")
        denied = await client.post(
            "/notes", json={"text": "x"}, headers={"Authorization": f"Bearer {poor}"}
        )
        written = await client.post(
            "/notes", json={"text": "x"}, headers={"Authorization": f"Bearer {token}"}
        )
    assert hello.status_code == 200
    assert hello.headers["x-frame-options"] == "DENY"
    assert nobody.status_code == 401
    assert denied.status_code == 403
    assert denied.json()["detail"] == "Permission denied: notes:write required"
    assert written.json() == {"writer": "ada", "text": "x"}


async def test_plain_starlette_knows_roles(load):
    example = load("plain_starlette")
    admin = {"Authorization": f"Bearer {example.tokens.issue_access('ada', roles=['admin'])}"}
    user = {"Authorization": f"Bearer {example.tokens.issue_access('bob', roles=['user'])}"}
    async with client_of(example.protected) as client:
        assert (await client.get("/")).status_code == 200
        assert (await client.get("/reports")).status_code == 401
        assert (await client.get("/reports", headers=user)).status_code == 403
        assert (await client.get("/reports", headers=admin)).json() == {"reader": "ada"}
        assert (await client.get("/files/a")).status_code == 401
        assert (await client.get("/files/a", headers=user)).status_code == 200


async def test_a_bare_callable_is_guarded(load):
    async with client_of(load("bare_asgi").protected) as client:
        answer = await client.get("/")
        foreign = await client.get("/", headers={"Host": "evil.example"})
    assert answer.text == "Hello"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert foreign.status_code == 421
