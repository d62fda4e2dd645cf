"""Routers of `app.add_auth()` on an application that stays FastAPI, each without the others."""

from __future__ import annotations

import json

import pytest
from fastapi import FastAPI

from tests.accounts.application import (
    EMAIL,
    PASSWORD,
    bearer,
    browse,
    login,
    make_settings,
    register,
    running,
)
from tests.docs.pages import ROOT, Page
from tests.docs.test_pages import run
from zenith import SecurityMiddleware
from zenith.accounts import auth_router
from zenith.api_keys import api_key_router
from zenith.app import install_handlers
from zenith.assembly import assemble
from zenith.authorization import AuthorizationGuard
from zenith.kernel.keys import Secret
from zenith.mfa import mfa_router
from zenith.oauth import Google, OAuthSettings, oauth_router
from zenith.tokens import jwks_router


@pytest.fixture
def page(monkeypatch, tmp_path):
    monkeypatch.setenv("ZENITH_PASSWORDS__PROFILE", "testing")
    monkeypatch.setenv("ZENITH_ACCOUNTS__REGISTER_SECONDS", "0")
    monkeypatch.chdir(tmp_path)
    return run(Page(ROOT / "docs" / "how-to" / "use-the-parts.md"), monkeypatch)


async def test_the_page_has_accounts_and_second_factors(page):
    async with running(page["served"]) as app, browse(app) as client:
        assert (await client.get("/orders")).status_code == 401
        await register(client)
        pair = (await login(client)).json()
        assert (await client.get("/orders", headers=bearer(pair))).json() == {"for": EMAIL}
        assert (await client.get("/auth/factors", headers=bearer(pair))).status_code == 200
        weak = await register(client, "ben@example.org", "short")
        assert (weak.status_code, weak.json()["code"]) == (422, "weak_password")
        odd = await client.post("/auth/login", json={"email": EMAIL, "password": [PASSWORD]})
        assert (odd.status_code, odd.json()["status"]) == (422, 422)
        assert PASSWORD not in odd.text
        assert (await client.get("/nowhere")).json()["code"] == "not_found"
        schema = (await client.get("/openapi.json")).json()
    operation = schema["paths"]["/orders"]["get"]
    assert operation["security"] == [{"bearer": []}, {"session": []}, {"api_key": []}]
    assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}
    assert "HTTPValidationError" not in json.dumps(schema)


ALONE = {
    "auth": (lambda parts: auth_router(), "/auth/me", 401),
    "mfa": (lambda parts: mfa_router(), "/auth/factors", 401),
    "keys": (lambda parts: api_key_router(), "/auth/api-keys", 401),
    "oauth": (lambda parts: oauth_router(parts.oauth), "/auth/providers", 200),
    "jwks": (lambda parts: jwks_router(parts.keyring), "/.well-known/jwks.json", 200),
}


def plain(router, *, debug=False):
    app = FastAPI(openapi_url=None, debug=debug)
    app.include_router(router)
    install_handlers(app)
    return app


async def test_each_is_mounted_without_the_others(tmp_path):
    google = Google(client_id="x", client_secret=Secret("y" * 16))
    parts = assemble(make_settings(tmp_path, oauth=OAuthSettings(google=google)))
    for make, path, status in ALONE.values():
        guards = [*parts.guards, AuthorizationGuard(factors=parts.accounts.step_up.kinds)]
        app = plain(make(parts))
        served = SecurityMiddleware(app, guards=guards, services=parts.offered)
        async with running(served), browse(served) as client:
            answer = await client.get(path)
            assert answer.status_code == status, path
            assert answer.headers["x-content-type-options"] == "nosniff"
            others = [each for _, each, _ in ALONE.values() if each != path]
            assert {(await client.get(each)).status_code for each in others} == {404}


@pytest.mark.parametrize("debug", [False, True])
async def test_a_route_without_its_service_does_nothing_and_tells_nobody(debug, caplog):
    app = plain(auth_router(), debug=debug)
    async with browse(SecurityMiddleware(app, guards=[AuthorizationGuard()])) as client:
        answer = await login(client)
    assert answer.status_code == 500
    assert "AccountServices" not in answer.text
