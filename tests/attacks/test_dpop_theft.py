"""A token is copied: from a log, a proxy, a page. Bound to a key, the copy is worth nothing.

The thief shows the token as a bearer token, with a proof of his own key, with a proof that he has
seen, or with one for another method or address; or he spends the refresh token (RFC 9449 sections
2, 5, 7 and 11; ASVS 10.4.14).
"""

from __future__ import annotations

import time

import httpx
import pytest

from tests.accounts.application import make_settings
from tests.tokens.proofs import Holder
from tests.tokens.test_dpop import Setting
from zenith import Zenith, authenticated
from zenith.stores.redis import RedisProofStore
from zenith.stores.sql import Database, SqlProofStore, upgrade
from zenith.tokens import TokenSettings

ADA = {"email": "ada@example.org", "password": "a long sentence for ada"}
ORIGIN = "http://localhost:8000"


@pytest.fixture
async def client(tmp_path, request):
    tokens = TokenSettings(**getattr(request, "param", {}))
    app = Zenith(settings=make_settings(tmp_path, tokens=tokens))
    app.add_auth()

    @app.get("/things")
    @authenticated
    async def things() -> dict[str, bool]:
        return {"ok": True}

    await app.assembly.start()
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        await client.post("/auth/register", json=ADA)
        yield client
    await app.assembly.stop()


async def sign_in(client, holder, path="/auth/login", body=ADA, **claims):
    headers = {}
    if holder is not None:
        proof = holder.proof("POST", ORIGIN + path, at=time.time(), **claims)
        headers["DPoP"] = proof
    return await client.post(path, json=body, headers=headers)


async def use(client, token, holder=None, scheme="DPoP", proof=None, **claims):
    headers = {"Authorization": f"{scheme} {token}"}
    if holder is not None:
        claims = {"method": "GET", "uri": f"{ORIGIN}/things", "token": token, **claims}
        headers["DPoP"] = holder.proof(at=time.time(), **claims)
    if proof is not None:
        headers["DPoP"] = proof
    return await client.get("/things", headers=headers)


async def test_the_holder_uses_the_token_and_nobody_else(client):
    holder, thief = Holder(), Holder()
    answer = await sign_in(client, holder)
    assert answer.status_code == 200, answer.text
    pair = answer.json()
    assert pair["token_type"] == "DPoP"
    token = pair["access_token"]
    assert (await use(client, token, holder)).status_code == 200
    assert (await use(client, token, holder)).status_code == 200
    for refused in (
        await use(client, token, scheme="Bearer"),
        await use(client, token, holder, scheme="Bearer"),
        await use(client, token),
        await use(client, token, thief),
        await use(client, token, holder, method="POST"),
        await use(client, token, holder, uri=f"{ORIGIN}/other"),
        await use(client, token, holder, ath="another"),
    ):
        assert refused.status_code == 401, refused.text
    seen = holder.proof("GET", f"{ORIGIN}/things", at=time.time(), token=token)
    assert (await use(client, token, proof=seen)).status_code == 200
    assert (await use(client, token, proof=seen)).status_code == 401


async def test_the_refresh_token_needs_the_key_too(client):
    holder, thief = Holder(), Holder()
    pair = (await sign_in(client, holder)).json()
    body = {"refresh_token": pair["refresh_token"]}
    for wrong in (None, thief):
        refused = await sign_in(client, wrong, "/auth/refresh", body)
        assert refused.status_code == 401, refused.text
    renewed = await sign_in(client, holder, "/auth/refresh", body)
    assert renewed.status_code == 200, "a thief without the key cannot sign the owner out"
    assert renewed.json()["token_type"] == "DPoP"
    assert (await use(client, renewed.json()["access_token"], holder)).status_code == 200


@pytest.mark.parametrize("path", ["/auth/refresh", "/auth/revoke"])
async def test_one_proof_serves_the_token_and_what_it_is_sent_for(client, path):
    """A client that adds its access token to each request is not taken for a thief, and a thief
    with that access token and a proof that he saw is one still."""
    holder, thief = Holder(), Holder()
    pair = (await sign_in(client, holder)).json()
    token, spent = pair["access_token"], pair["refresh_token"]
    sent = (
        {"json": {"refresh_token": spent}}
        if path == "/auth/refresh"
        else {"data": {"token": spent}}
    )

    async def ask(who):
        proof = who.proof("POST", ORIGIN + path, at=time.time(), token=token)
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        return await client.post(path, headers=headers, **sent), headers

    refused, _ = await ask(thief)
    assert refused.status_code == (401 if path == "/auth/refresh" else 200)
    answer, headers = await ask(holder)
    assert answer.status_code == 200, answer.text
    assert (await client.post(path, headers=headers, **sent)).status_code == 401
    bound = await sign_in(client, holder, "/auth/refresh", {"refresh_token": spent})
    assert bound.status_code == (200 if path == "/auth/refresh" else 401)


async def test_a_bearer_token_is_no_bound_one(client):
    holder = Holder()
    pair = (await sign_in(client, None)).json()
    assert pair["token_type"] == "bearer"
    assert (await use(client, pair["access_token"], scheme="Bearer")).status_code == 200
    assert (await use(client, pair["access_token"], holder)).status_code == 401
    refused = await sign_in(
        client, holder, "/auth/refresh", {"refresh_token": pair["refresh_token"]}
    )
    assert refused.status_code == 401


async def test_a_bad_proof_is_no_sign_in(client):
    refused = await sign_in(client, Holder(), htu="https://evil.example/auth/login")
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_dpop_proof")
    assert "invalid_dpop_proof" in refused.headers["www-authenticate"]


@pytest.mark.parametrize("client", [{"dpop": "required"}], indirect=True)
async def test_where_proofs_are_required_nothing_goes_without(client):
    refused = await sign_in(client, None)
    assert refused.status_code == 401
    assert (await client.get("/things")).headers["www-authenticate"].startswith("DPoP ")
    holder = Holder()
    token = (await sign_in(client, holder)).json()["access_token"]
    assert (await use(client, token, holder)).status_code == 200


@pytest.mark.parametrize("client", [{"dpop": "off"}], indirect=True)
async def test_where_proofs_are_off_tokens_are_bearer_tokens(client):
    pair = (await sign_in(client, Holder())).json()
    assert pair["token_type"] == "bearer"
    assert (await use(client, pair["access_token"], Holder())).status_code == 401
    assert (await use(client, pair["access_token"], scheme="Bearer")).status_code == 200


@pytest.mark.parametrize("client", [{"dpop_nonce": True}], indirect=True)
async def test_a_proof_cannot_be_made_in_advance(client):
    holder = Holder()
    refused = await sign_in(client, holder)
    assert (refused.status_code, refused.json()["code"]) == (401, "use_dpop_nonce")
    nonce = refused.headers["dpop-nonce"]
    token = (await sign_in(client, holder, nonce=nonce)).json()["access_token"]
    assert (await use(client, token, holder)).headers["dpop-nonce"]
    assert (await use(client, token, holder, nonce=nonce)).status_code == 200


@pytest.mark.parametrize("place", ["sqlite", "redis"])
async def test_a_machine_whose_clock_is_behind_takes_no_proof_twice(tmp_path, place):
    """The proof is over for all others, which tidied up; to this one it is young still."""
    behind, life = 40.0, 70.0
    if place == "redis":
        redis = ForgetsInTime()
        store = RedisProofStore(redis)
    else:
        database = Database(f"sqlite:///{tmp_path / 'z.db'}")
        await upgrade(database)
        store = SqlProofStore(database)
    first, late = Setting(store=store), Setting(store=store)
    proof = first.proof()
    assert await first.ask(proof)
    late.time.now = first.time.now + life + 10.0 - behind
    first.time.now += life + 10.0
    await first.verifier.prune()
    if place == "redis":
        redis.seconds += life + 10.0
    assert await late.fault(proof) == "replayed"
    if place == "sqlite":
        await database.close()


class ForgetsInTime:
    """Redis, as far as claims need it."""

    def __init__(self):
        self.seconds, self.ends = 0.0, {}

    async def execute_command(self, verb, key, value, *flags):
        assert (verb, flags[:2]) == ("SET", ("NX", "PX"))
        if self.ends.get(key, 0.0) > self.seconds:
            return None
        self.ends[key] = self.seconds + flags[2] / 1000
        return "OK"
