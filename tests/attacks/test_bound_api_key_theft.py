"""An API key is copied: from a repository, a log, a proxy. Bound to a public key, the copy is worth
nothing.

The thief shows it as it is, as a bearer key beside a real proof, with a proof of his own key, one
that he has seen, one for another method or address or another API key; or he waits for a server
that judges no proofs (RFC 9449 sections 2, 7 and 11; ASVS 10.4.14).
"""

from __future__ import annotations

import time

import httpx
import pytest

from tests.accounts.application import events_of, make_settings
from tests.tokens.proofs import Holder
from zenith import Zenith, authenticated
from zenith.api_keys import Actor, APIKeySettings, KeyRequest, KeyRequestError
from zenith.audit import AuditLog
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.events import EventType
from zenith.kernel.principal import Principal
from zenith.settings import Settings
from zenith.tokens import TokenSettings

ORIGIN = "http://localhost:8000"
OPERATOR = Actor.local(Principal(subject="operator", kind="service", scheme="cli"))


class Served:
    def __init__(self, app: Zenith, client: httpx.AsyncClient) -> None:
        self.app = app
        self.keys = app.assembly.api_keys
        self._client = client

    async def make(self, holder: Holder | None, **more: object) -> str:
        thumbprint = None if holder is None else holder.thumbprint
        request = KeyRequest(name="export", thumbprint=thumbprint, **more)
        return (await self.keys.issue(OPERATOR, request)).secret.reveal()

    async def use(self, key, holder=None, *, way="X-API-Key", proof=None, **claims):
        headers = {"X-API-Key": key} if way == "X-API-Key" else {"Authorization": f"{way} {key}"}
        if holder is not None:
            claims = {"method": "GET", "uri": f"{ORIGIN}/things", "token": key, **claims}
            proof = holder.proof(at=time.time(), **claims)
        if proof is not None:
            headers["DPoP"] = proof
        return await self._client.get("/things", headers=headers)


def application(tmp_path, settings: APIKeySettings | None, **tokens) -> Zenith:
    app = Zenith(
        settings=make_settings(tmp_path, tokens=TokenSettings(**tokens), api_keys=settings)
    )

    @app.get("/things")
    @authenticated
    async def things() -> dict[str, bool]:
        return {"ok": True}

    return app


@pytest.fixture
async def served(tmp_path, request):
    keys, tokens = getattr(request, "param", ({}, {}))
    app = application(tmp_path, APIKeySettings(**keys), **tokens)
    await app.assembly.start()
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield Served(app, client)
    await app.assembly.stop()


async def test_the_holder_uses_the_key_and_nobody_else(served):
    holder, thief = Holder(), Holder()
    key, other = await served.make(holder), await served.make(holder)
    for way in ("X-API-Key", "DPoP", "X-API-Key", "dpop"):
        assert (await served.use(key, holder, way=way)).status_code == 200
    for name, refused in {
        "no proof": await served.use(key),
        "no proof, as DPoP": await served.use(key, way="DPoP"),
        "downgraded": await served.use(key, way="Bearer"),
        "downgraded with a proof": await served.use(key, holder, way="Bearer"),
        "another's proof": await served.use(key, thief),
        "another method": await served.use(key, holder, method="POST"),
        "another address": await served.use(key, holder, uri=f"{ORIGIN}/other"),
        "another key": await served.use(key, holder, token=other),
        "no key named": await served.use(key, holder, token=None),
        "old": await served.use(key, holder, iat=time.time() - 3600),
    }.items():
        assert refused.status_code == 401, name
        assert refused.json()["code"] in ("invalid_api_key", "invalid_dpop_proof"), name
    seen = holder.proof("GET", f"{ORIGIN}/things", at=time.time(), token=key)
    assert (await served.use(key, proof=seen)).status_code == 200
    assert (await served.use(key, proof=seen)).status_code == 401


async def test_a_refusal_says_how_and_names_the_key_in_the_log_only(served):
    holder = Holder()
    key = await served.make(holder)
    missing = await served.use(key)
    assert missing.headers["www-authenticate"].startswith("DPoP algs=")
    wrong = await served.use(key, Holder())
    assert (wrong.json()["code"], missing.json()["code"]) == (
        "invalid_dpop_proof",
        "invalid_api_key",
    )
    key_id = (await served.keys.page(OPERATOR, after=None))[0].id
    assert key_id not in wrong.text + missing.text
    await served.app.assembly.services[AuditLog].stop()
    failed = await events_of(served.app, EventType.AUTHENTICATION_FAILED)
    assert [each.reason for each in failed] == [
        f"unproven:{key_id}",
        f"dpop:another_key:{key_id}",
    ]


async def test_a_thief_cannot_use_up_the_limit_of_the_holder(served):
    holder = Holder()
    key = await served.make(holder, rate_limit=2)
    for _ in range(3):
        assert (await served.use(key, Holder())).status_code == 401
    assert (await served.use(key, holder)).status_code == 200


async def test_the_successor_of_a_bound_key_is_bound(served):
    holder = Holder()
    await served.make(holder)
    [old] = await served.keys.page(OPERATOR, after=None)
    key = (await served.keys.rotate(OPERATOR, old.id)).secret.reveal()
    assert (await served.use(key)).status_code == 401
    assert (await served.use(key, holder)).status_code == 200


async def test_a_key_that_is_not_bound_is_none_as_dpop(served):
    key = await served.make(None)
    assert (await served.use(key)).status_code == 200
    assert (await served.use(key, Holder(), way="DPoP")).status_code == 401
    assert (await served.use(key, Holder())).status_code == 200, "a proof nobody asked for"


@pytest.mark.parametrize("served", [({}, {"dpop_nonce": True})], indirect=True)
async def test_a_proof_cannot_be_made_in_advance(served):
    holder = Holder()
    key = await served.make(holder)
    refused = await served.use(key, holder)
    assert (refused.status_code, refused.json()["code"]) == (401, "use_dpop_nonce")
    assert (await served.use(key, holder, nonce=refused.headers["dpop-nonce"])).status_code == 200


@pytest.mark.parametrize("served", [({"bound_only": True}, {})], indirect=True)
async def test_where_all_are_bound_the_others_end(served):
    with pytest.raises(KeyRequestError):
        await served.make(None)
    object.__setattr__(served.keys.settings, "bound_only", False)
    old = await served.make(None)
    assert (await served.use(old)).status_code == 401
    assert (await served.use(old, Holder())).status_code == 401
    holder = Holder()
    assert (await served.use(await served.make(holder), holder)).status_code == 200


async def test_where_nothing_judges_proofs_bound_keys_are_dead(tmp_path, served):
    holder = Holder()
    key = await served.make(holder)
    app = application(tmp_path, APIKeySettings(), dpop="off")
    await app.assembly.start()
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        off = Served(app, client)
        assert (await off.use(key)).status_code == 401
        assert (await off.use(key, holder)).status_code == 401
        with pytest.raises(KeyRequestError, match="switched off"):
            await off.make(holder)
    await app.assembly.stop()


def test_a_demand_that_nothing_can_meet_stops_the_start(tmp_path):
    with pytest.raises(ConfigurationError, match="bound_only"):
        application(tmp_path, APIKeySettings(bound_only=True), dpop="off")


def test_the_settings_read_it():
    found = Settings.from_env({"ZENITH_API_KEYS__BOUND_ONLY": "true"}, dotenv=None)
    assert found.api_keys is not None
    assert found.api_keys.bound_only
