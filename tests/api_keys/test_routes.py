"""The JSON API of keys, in a whole application."""

from __future__ import annotations

from dataclasses import replace

import pytest
import pytest_asyncio
from fastapi import Depends

from tests.accounts.application import (
    OTHER_PASSWORD,
    bearer,
    browse,
    events_of,
    login,
    make_administrator,
    make_app,
    make_settings,
    register,
    running,
    sign_in_with_form,
)
from zenith import get_api_key, require_permission, require_scope
from zenith.api_keys import APIKey, APIKeySettings, CallingKey

KEYS = "/auth/api-keys"
pytestmark = pytest.mark.asyncio(loop_scope="module")


def routes(app):
    @app.get("/data")
    async def data(key: CallingKey) -> dict[str, object]:
        return {"scopes": list(key.scopes), "owner": key.owner_id}

    @app.get("/guide")
    async def guide(api_key: APIKey = Depends(get_api_key)) -> str:
        return api_key.name

    @app.post("/posts")
    @require_permission("posts:read")
    async def posts() -> str:
        return "changed"

    @app.get("/scoped")
    @require_scope("read:data")
    async def scoped() -> str:
        return "scoped"

    return app


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    made = make_settings(tmp_path_factory.mktemp("home"))
    return replace(made, api_keys=APIKeySettings(scopes=("read:data",)))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(settings):
    async with running(routes(make_app(None, settings=settings))) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def client(app):
    async with browse(app) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def ada(client, request):
    """The header of somebody who has just signed in."""
    email = f"u{abs(hash(request.node.nodeid))}@example.org"
    await register(client, email)
    return bearer((await login(client, email)).json())


async def make(client, who, **body):
    body = {"name": "export", **body}
    answer = await client.post(KEYS, json=body, headers=who)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_key_is_shown_once(client, ada):
    answer = await client.post(KEYS, json={"name": "x", "scopes": ["read:data"]}, headers=ada)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    made = answer.json()
    key = made.pop("key")
    assert key.startswith(made["prefix"])
    assert (await client.get(KEYS, headers=ada)).json() == [made]
    assert "key_hash" not in made


@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
async def test_a_key_opens_what_it_was_made_for(client, ada, header):
    key = (await make(client, ada, scopes=["read:data", "posts:read"]))["key"]
    sent = {header: key if header == "X-API-Key" else f"Bearer {key}"}
    answer = await client.get("/data", headers=sent)
    assert answer.json()["scopes"] == ["posts:read", "read:data"]
    assert '"api-key-3600";r=' in answer.headers["ratelimit"]
    assert (await client.get("/scoped", headers=sent)).status_code == 200
    assert (await client.get("/guide", headers=sent)).json() == "export"
    # Changes need no token: nothing but the key speaks for the caller.
    signs = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    assert (await client.post("/posts", headers={**sent, **signs})).status_code == 200


async def test_other_credentials_are_no_key(client, ada):
    assert (await client.get("/data")).status_code == 401
    refused = await client.get("/data", headers=ada)
    assert (refused.status_code, refused.json()["detail"]) == (403, "API key required")


async def test_what_is_wrong_is_said(client, ada):
    for body, status in (
        ({}, 422),
        ({"name": "x", "color": "red"}, 422),
        ({"name": "x" * 101}, 422),
        ({"name": "x", "scopes": ["users:write"]}, 422),
        ({"name": "x", "expires_in": 10**9}, 422),
        ({"name": "x", "rate_limit": 10**6}, 422),
        ({"name": "x", "service": True}, 403),
    ):
        answer = await client.post(KEYS, json=body, headers=ada)
        assert answer.status_code == status, body
    assert (await client.post(KEYS, json={"name": "x"})).status_code == 401
    assert (await client.get(KEYS)).status_code == 401


async def test_rotation(client, ada):
    old = await make(client, ada, scopes=["read:data"])
    new = await client.post(f"{KEYS}/{old['id']}/rotate", headers=ada)
    assert new.status_code == 201
    for key in (old, new.json()):
        sent = {"X-API-Key": key["key"]}
        assert (await client.get("/scoped", headers=sent)).status_code == 200
    again = await client.post(f"{KEYS}/{old['id']}/rotate", json={"overlap": 0}, headers=ada)
    assert (again.status_code, again.json()["code"]) == (409, "api_key_not_current")
    wrong = await client.post(f"{KEYS}/{old['id']}/rotate", json={"overlap": 10**9}, headers=ada)
    assert wrong.status_code == 422


async def test_revocation(app, client, ada):
    made = await make(client, ada, scopes=["read:data"])
    sent = {"X-API-Key": made["key"]}
    assert (await client.get("/scoped", headers=sent)).status_code == 200
    for _ in range(2):
        assert (await client.delete(f"{KEYS}/{made['id']}", headers=ada)).status_code == 204
    refused = await client.get("/scoped", headers=sent)
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_api_key")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert (await client.delete(f"{KEYS}/unknown", headers=ada)).status_code == 404
    kinds = ("API_KEY_CREATED", "API_KEY_REVOKED")
    events = [e for e in await events_of(app, *kinds) if e.target == made["id"]]
    assert [event.type for event in events] == list(kinds)


async def test_a_key_over_its_limit_waits(client, ada):
    key = (await make(client, ada, scopes=["read:data"], rate_limit=2))["key"]
    answers = [await client.get("/scoped", headers={"X-API-Key": key}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) > 0


async def test_last_use_is_shown(app, client, ada):
    made = await make(client, ada, scopes=["read:data"])
    await client.get("/scoped", headers={"X-API-Key": made["key"]})
    # The page asks for it a moment later; here what waits is written at once.
    for scheme_task in app.assembly.guards[0]._background:
        if type(scheme_task).__name__ == "LastUses":
            await scheme_task._write()
    (shown,) = (await client.get(KEYS, headers=ada)).json()
    assert shown["last_used_at"] is not None
    assert shown["last_used_address"] == "127.0.0.1"


async def test_administrators_see_all_and_make_keys_of_services(app, client, ada):
    made = await make(client, ada, scopes=["read:data"])
    await make_root_once(app)
    root = bearer((await login(client, "root@example.org", OTHER_PASSWORD)).json())
    page = (await client.get(f"{KEYS}/all", headers=root)).json()
    assert made["id"] in [key["id"] for key in page["keys"]]
    assert page["after"] is None
    assert (await client.get(f"{KEYS}/all", headers=ada)).status_code == 403
    wrong = await client.get(f"{KEYS}/all?after=nan_x", headers=root)
    assert wrong.status_code == 400
    assert (await client.get(f"{KEYS}/all?after=x", headers=root)).status_code == 400
    later = await client.get(f"{KEYS}/all?after=0.0_x", headers=root)
    assert later.json()["keys"] == []
    service = await make(client, root, scopes=["posts:read", "api_keys:write"], service=True)
    sent = {"X-API-Key": service["key"]}
    assert (await client.get("/data", headers=sent)).json()["owner"] is None
    assert (await client.post("/posts", headers=sent)).status_code == 200
    assert (await client.get(KEYS, headers=sent)).status_code == 403
    own = await client.post(KEYS, json={"name": "x"}, headers=sent)
    assert (own.status_code, own.json()["code"]) == (422, "invalid_api_key_request")


async def test_pages_end_with_a_cursor(app, client):
    await register(client, "many@example.org")
    who = bearer((await login(client, "many@example.org")).json())
    for _ in range(45):
        await make(client, who)
    await make_root_once(app)
    root = bearer((await login(client, "root@example.org", OTHER_PASSWORD)).json())
    seen, after = [], ""
    for _ in range(9):
        page = (await client.get(f"{KEYS}/all", params={"after": after}, headers=root)).json()
        seen += [key["id"] for key in page["keys"]]
        after = page["after"]
        if after is None:
            break
    assert len(seen) == len(set(seen)) > 45


async def make_root_once(app):
    if not await app.accounts.store.has_role("super_admin"):
        await make_administrator(app)


async def test_pages_of_other_sites_make_no_key(app):
    async with browse(app) as browser:
        await register(browser, "cookie@example.org")
        await sign_in_with_form(browser, "cookie@example.org")
        refused = await browser.post(KEYS, json={"name": "x"})
        assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
        token = (await browser.get("/page")).json()["token"]
        headers = {"X-CSRF-Token": token, "Origin": "http://localhost:8000"}
        made = await browser.post(KEYS, json={"name": "x"}, headers=headers)
        assert made.status_code == 201
