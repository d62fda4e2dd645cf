"""The JSON API of second factors, on a whole application."""

from __future__ import annotations

import json

import pytest

from tests.accounts.application import (
    ALICE,
    EMAIL,
    bearer,
    browse,
    events_of,
    login,
    make_administrator,
    make_app,
    register,
    running,
)
from tests.accounts.mails import mailed
from tests.mfa.authenticator import Authenticator
from tests.mfa.people import add_totp, code_for, finish
from zenith.kernel.events import EventType
from zenith.mfa import MfaServices


@pytest.fixture
async def client(tmp_path):
    app = make_app(tmp_path)
    async with running(app), browse(app) as client:
        client.app = app
        await register(client)
        yield client


async def test_an_app_is_added_and_then_due(client):
    tokens = (await login(client)).json()
    begun = (await client.post("/auth/factors/totp", headers=bearer(tokens))).json()
    assert begun["uri"].startswith("otpauth://totp/Zenith:ada@example.org?secret=")
    body = {"ticket": begun["ticket"], "code": "000000"}
    wrong = await client.post("/auth/factors/totp/confirm", json=body, headers=bearer(tokens))
    assert (wrong.status_code, wrong.json()["code"]) == (422, "factor_not_confirmed")
    body["code"] = code_for(begun["secret"])
    added = await client.post("/auth/factors/totp/confirm", json=body, headers=bearer(tokens))
    assert added.status_code == 201
    assert added.headers["cache-control"] == "no-store"
    assert len(set(added.json()["recovery_codes"])) == 10
    me = (await client.get("/auth/me", headers=bearer(added.json()))).json()
    assert set(me["factors"]) == {"password", "totp"}

    due = (await login(client)).json()
    assert due["factors_due"] == ["totp", "recovery_code"]
    assert due["expires_in"] == 600
    assert "access_token" not in due
    wrong = await finish(client, due, "totp", "000000")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_factor")
    code = code_for(begun["secret"], steps=1)
    answer = await finish(client, due, "totp", code)
    assert answer.status_code == 200
    me = (await client.get("/auth/me", headers=bearer(answer.json()))).json()
    assert set(me["factors"]) == {"password", "totp"}
    again = await finish(client, due, "totp", code)
    assert (again.status_code, again.json()["code"]) == (401, "factor_challenge_invalid")


async def test_a_recovery_code_serves_once(client):
    _, codes, _ = await add_totp(client)
    due = (await login(client)).json()
    typed = codes[0].upper().replace("-", " ")
    assert (await finish(client, due, "recovery_code", typed)).status_code == 200
    due = (await login(client)).json()
    assert (await finish(client, due, "recovery_code", codes[0])).status_code == 401
    used = await events_of(client.app, EventType.RECOVERY_CODE_USED)
    assert len(used) == 1


async def test_codes_are_renewed_and_the_app_removed(client):
    _, codes, tokens = await add_totp(client)
    fresh = await client.post("/auth/factors/recovery-codes", headers=bearer(tokens))
    assert fresh.status_code == 201
    assert not set(codes) & set(fresh.json()["recovery_codes"])
    (mail,) = await mailed(client.app, kind="recovery_codes_renewed")
    assert "It came from" in mail.text
    held = (await client.get("/auth/factors", headers=bearer(tokens))).json()
    assert held == {"totp": True, "recovery_codes": 10, "passkeys": []}
    assert (await client.delete("/auth/factors/totp", headers=bearer(tokens))).status_code == 204
    assert (await client.delete("/auth/factors/totp", headers=bearer(tokens))).status_code == 404
    tokens = (await login(client)).json()
    held = (await client.get("/auth/factors", headers=bearer(tokens))).json()
    assert held == {"totp": False, "recovery_codes": 0, "passkeys": []}
    assert (await client.delete("/auth/factors/totp", headers=bearer(tokens))).status_code == 404
    renewed = await client.post("/auth/factors/recovery-codes", headers=bearer(tokens))
    assert renewed.status_code == 404


async def test_the_first_factor_ends_other_sign_ins(client):
    other = (await login(client)).json()
    await add_totp(client)
    assert (await client.get("/auth/me", headers=bearer(other))).status_code == 401


async def test_an_administrator_resets_a_member(client):
    await add_totp(client)
    await make_administrator(client.app)
    member = await client.app.accounts.store.by_email(EMAIL)
    from tests.accounts.application import OTHER_PASSWORD

    root = (await login(client, "root@example.org", OTHER_PASSWORD)).json()
    path = f"/auth/accounts/{member.id}/factors"
    assert (await client.delete(path, headers=bearer(root))).status_code == 204
    assert (await client.delete(path, headers=bearer(root))).status_code == 404
    assert (
        await client.delete("/auth/accounts/x/factors", headers=bearer(root))
    ).status_code == 404
    own = (await client.get("/auth/me", headers=bearer(root))).json()["id"]
    answer = await client.delete(f"/auth/accounts/{own}/factors", headers=bearer(root))
    assert answer.status_code == 409
    (event,) = await events_of(client.app, EventType.FACTORS_RESET)
    assert event.target == member.id
    tokens = (await login(client)).json()
    assert "access_token" in tokens
    assert (await client.delete(path, headers=bearer(tokens))).status_code == 403


async def test_what_is_not_declared_is_refused(client):
    tokens = (await login(client)).json()
    due = {"challenge": "x", "factor": "totp", "code": "1", "more": 1}
    assert (await client.post("/auth/login/factor", json=due)).status_code == 422
    for path in ("/auth/factors/totp/confirm", "/auth/factors/passkeys", "/auth/login/passkey"):
        body = {"unknown": 1}
        assert (await client.post(path, json=body, headers=bearer(tokens))).status_code == 422


async def test_strangers_see_nothing(client):
    for method, path in (
        ("GET", "/auth/factors"),
        ("POST", "/auth/factors/totp"),
        ("POST", "/auth/factors/passkeys/options"),
        ("POST", "/auth/factors/recovery-codes"),
        ("GET", "/auth/factors/devices"),
        ("POST", "/auth/confirm/passkey"),
        ("DELETE", "/auth/accounts/x/factors"),
    ):
        assert (await client.request(method, path)).status_code == 401
    body = {"challenge": "x"}
    assert (await client.post("/auth/login/factor/passkey", json=body)).status_code == 401


async def test_passkeys_are_named_and_removed(client):
    device = Authenticator()
    tokens = (await login(client)).json()
    path = "/auth/factors/passkeys"
    asked = (await client.post(f"{path}/options", headers=bearer(tokens))).json()["options"]
    body = {"credential": device.create(asked)}
    added = await client.post(path, json=body, headers=bearer(tokens))
    tokens = {**tokens, **added.json()}
    (held,) = (await client.get("/auth/factors", headers=bearer(tokens))).json()["passkeys"]
    assert held["name"]
    one = f"{path}/{held['id']}"
    for name, status in (("My key", 204), (" ", 422), ("a\nb", 422)):
        answer = await client.patch(one, json={"name": name}, headers=bearer(tokens))
        assert answer.status_code == status
    answer = await client.patch(f"{path}/x", json={"name": "y"}, headers=bearer(tokens))
    assert answer.status_code == 404
    asked = (await client.post("/auth/confirm/passkey", headers=bearer(tokens))).json()["options"]
    proof = {"factor": "passkey", "proof": json.dumps(device.get(asked))}
    assert (
        await client.post("/auth/confirm", json=proof, headers=bearer(tokens))
    ).status_code == 200
    again = await client.post("/auth/confirm", json=proof, headers=bearer(tokens))
    assert again.status_code == 401
    begun = (await client.post("/auth/login/passkey/options")).json()
    body = {"handle": begun["handle"], "credential": device.get(begun["options"])}
    browser = {"Sec-Fetch-Site": "same-origin"}
    answer = await client.post("/auth/login/passkey", json=body, headers=browser)
    assert answer.headers["set-cookie"].startswith("zenith-device=")
    for status in (204, 404):
        assert (await client.delete(one, headers=bearer(tokens))).status_code == status


async def test_devices_are_listed_and_ended(client):
    await add_totp(client)
    account = await client.app.accounts.store.by_email(EMAIL)
    trusted = client.app.assembly.services[MfaServices].trusted
    value = await trusted.trust(account, ALICE)
    _, cookie = value, trusted.cookie(value, secure=True)
    assert cookie.startswith(f"__Host-zenith-trusted={value}; Path=/; Max-Age=2592000; HttpOnly")
    client.cookies.set("zenith-trusted", value)
    tokens = (await login(client)).json()
    assert "access_token" in tokens
    me = (await client.get("/auth/me", headers=bearer(tokens))).json()
    assert set(me["factors"]) == {"password", "trusted_device"}
    path = "/auth/factors/devices"
    (held,) = (await client.get(path, headers=bearer(tokens))).json()
    for status in (204, 404):
        one = f"{path}/{held['id']}"
        assert (await client.delete(one, headers=bearer(tokens))).status_code == status
    assert (await client.delete(path, headers=bearer(tokens))).status_code == 204
    assert "challenge" in (await login(client)).json()
