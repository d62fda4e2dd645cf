"""Introspection (RFC 7662) and revocation (RFC 7009), through a whole application."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.accounts.application import make_settings
from tests.tokens.proofs import Holder
from zenith import Zenith, authenticated
from zenith.accounts import IssuedTokens
from zenith.kernel.events import EventType

ADA = {"email": "ada@example.org", "password": "quartz lantern 7 otter plum"}
ORIGIN = "http://localhost:8000"


class World:
    def __init__(self, app, client):
        self.app, self.client = app, client

    async def sign_in(self, **headers):
        return (await self.client.post("/auth/login", json=ADA, headers=headers)).json()

    async def introspect(self, token, asker):
        return await self.client.post("/auth/introspect", data={"token": token}, headers=asker)

    async def active(self, token):
        answer = await self.introspect(token, self.asker)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        return answer.json()

    async def revoke(self, token, **headers):
        data = {"token": token, "token_type_hint": "anything"}
        return await self.client.post("/auth/revoke", data=data, headers=headers)

    async def uses(self, token):
        headers = {"Authorization": f"Bearer {token}"}
        return (await self.client.get("/things", headers=headers)).status_code == 200

    def asking(self):
        token = self.app.assembly.accounts.grants._manager.issue_access(
            "service", permissions=["tokens:introspect"]
        )
        return {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def world(tmp_path):
    app = Zenith(settings=make_settings(tmp_path))
    app.add_auth()

    @app.get("/things")
    @authenticated
    async def things() -> dict[str, bool]:
        return {"ok": True}

    await app.assembly.start()
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        await client.post("/auth/register", json=ADA)
        found = World(app, client)
        found.asker = found.asking()
        yield found
    await app.assembly.stop()


async def test_an_access_token_is_described(world):
    pair = await world.sign_in()
    found = await world.active(pair["access_token"])
    assert found["active"] is True
    assert found["token_type"] == "Bearer"
    assert {"iss", "aud", "sub", "exp", "iat", "jti", "sid"} <= found.keys()
    assert not {"roles", "permissions", "factors", "type"} & found.keys()


async def test_a_refresh_token_is_described_until_it_is_spent(world):
    pair = await world.sign_in()
    found = await world.active(pair["refresh_token"])
    assert (found["active"], found["token_type"]) == (True, "refresh_token")
    await world.client.post("/auth/refresh", json={"refresh_token": pair["refresh_token"]})
    assert await world.active(pair["refresh_token"]) == {"active": False}


async def test_what_was_never_issued_is_not_active(world):
    for token in ("x", "a.b.c", "zr_x", "zr_" + "A" * 67, "\xff", "zk_x"):
        assert await world.active(token) == {"active": False}
        assert (await world.revoke(token)).status_code == 200


async def test_who_asks_needs_the_permission(world):
    pair = await world.sign_in()
    own = {"Authorization": f"Bearer {pair['access_token']}"}
    assert (await world.introspect(pair["access_token"], {})).status_code == 401
    assert (await world.introspect(pair["access_token"], own)).status_code == 403


async def test_revoking_the_access_token_ends_it_alone(world):
    pair = await world.sign_in()
    assert await world.uses(pair["access_token"])
    answer = await world.revoke(pair["access_token"])
    assert (answer.status_code, answer.content) == (200, b"")
    assert not await world.uses(pair["access_token"])
    assert await world.active(pair["access_token"]) == {"active": False}
    assert (await world.active(pair["refresh_token"]))["active"]
    assert (await world.revoke(pair["access_token"])).status_code == 200
    known = world.app.assembly.revocations._known.values()
    (kept,) = [each for each in known if each.kind == "token"]
    lifetime = world.app.assembly.settings.tokens.access_lifetime
    assert kept.until - kept.at <= lifetime + 1, "nobody fills the memory with what has expired"


async def test_revoking_the_refresh_token_ends_the_sign_in(world):
    pair, other = await world.sign_in(), await world.sign_in()
    body = {"refresh_token": pair["refresh_token"]}
    renewed = (await world.client.post("/auth/refresh", json=body)).json()
    assert (await world.revoke(pair["refresh_token"])).status_code == 200, "spent, and still told"
    for token in (pair["access_token"], renewed["access_token"]):
        assert not await world.uses(token)
    body = {"refresh_token": renewed["refresh_token"]}
    assert (await world.client.post("/auth/refresh", json=body)).status_code == 401
    assert await world.uses(other["access_token"])


async def test_a_bound_refresh_token_is_ended_by_its_holder(world):
    holder = Holder()
    proof = holder.proof("POST", f"{ORIGIN}/auth/login", at=time.time())
    pair = await world.sign_in(DPoP=proof)
    assert (await world.active(pair["access_token"]))["token_type"] == "DPoP"
    assert await world.active(pair["refresh_token"]) == {"active": False}
    uri = f"{ORIGIN}/auth/revoke"
    await world.revoke(pair["refresh_token"])
    assert (await world.active(pair["access_token"]))["active"]
    await world.revoke(pair["refresh_token"], DPoP=holder.proof("POST", uri, at=time.time()))
    assert await world.active(pair["access_token"]) == {"active": False}


async def test_a_locked_account_has_no_active_tokens(world):
    pair = await world.sign_in()
    services = world.app.assembly.accounts
    account = await services.store.by_email(ADA["email"])
    await services.store.set_locked(account.id, time.time(), keep_one=None)
    assert await world.active(pair["access_token"]) == {"active": False}
    assert await world.active(pair["refresh_token"]) == {"active": False}


async def test_malformed_requests_are_4xx(world):
    for path in ("/auth/introspect", "/auth/revoke"):
        for data in ({}, {"token": "x" * 9000}, {"token": "x", "token_type_hint": "h" * 99}):
            answer = await world.client.post(path, data=data, headers=world.asker)
            assert answer.status_code == 422, answer.text


async def test_it_is_recorded(world):
    recorded = []

    class Sink:
        async def record(self, event):
            recorded.append(event)

    issued = world.app.assembly.services[IssuedTokens]
    issued._events = Sink()
    pair = await world.sign_in()
    await world.revoke(pair["access_token"])
    await world.revoke(pair["refresh_token"])
    await world.revoke("unknown")
    assert [event.type for event in recorded] == [EventType.TOKEN_REVOKED] * 2
    assert {event.reason for event in recorded} == {"access token", "refresh token"}


@pytest.mark.parametrize("off", [{}, {"rate_limits": None}], ids=["limits on", "limits off"])
async def test_one_address_may_not_revoke_without_end(tmp_path, monkeypatch, off):
    """Each takes a look into the database, so the limit also holds where that of all is off."""
    monkeypatch.setattr("zenith.accounts.issued_tokens.routes.REVOCATIONS", "3/minute")
    app = Zenith(settings=make_settings(tmp_path, **off))
    app.add_auth()
    await app.assembly.start()
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        data = {"token": "never issued"}
        answers = [await client.post("/auth/revoke", data=data) for _ in range(4)]
    await app.assembly.stop()
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
