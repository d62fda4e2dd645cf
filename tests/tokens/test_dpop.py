"""Proofs of possession: the standard's own, and everything that is refused."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.tokens.fakes import OTHER_SECRET, SECRET, Time
from tests.tokens.proofs import Holder
from zenith.kernel.clock import CLOCK_MARGIN
from zenith.kernel.errors import ConfigurationError
from zenith.stores.memory import MemoryProofStore
from zenith.tokens import DpopError, DpopNonceError, DpopVerifier, ProofRequest, generate_key
from zenith.tokens.dpop import PROOF_ALGORITHMS, normal_uri

VECTOR = json.loads((Path(__file__).parent.parent / "vectors" / "dpop_rfc9449.json").read_text())
ORIGIN = "https://api.example.org"
URI = f"{ORIGIN}/things"
HOLDER = Holder()


class Setting:
    def __init__(self, **settings: Any) -> None:
        self.time = Time()
        self.verifier = DpopVerifier(
            settings.pop("store", None) or MemoryProofStore(),
            settings.pop("secrets", [SECRET]),
            origin=settings.pop("origin", ORIGIN),
            clock=self.time,
            **settings,
        )

    async def ask(
        self, *proofs: str, method: str = "GET", path: str = "/things", **expected: Any
    ) -> str:
        request = ProofRequest(
            method=method, path=path, proofs=[proof.encode() for proof in proofs]
        )
        return await self.verifier.verify(request, **expected)

    async def fault(self, *proofs: str, **expected: Any) -> str:
        with pytest.raises(DpopError) as caught:
            await self.ask(*proofs, **expected)
        assert caught.value.status == 401
        return caught.value.fault

    def proof(self, **claims: Any) -> str:
        return HOLDER.proof(**{"method": "GET", "uri": URI, "at": self.time.now, **claims})


@pytest.mark.parametrize("name", ["token_request", "resource_request"])
async def test_the_proofs_of_the_standard_hold(name: str) -> None:
    entry = VECTOR[name]
    setting = Setting(origin=entry["origin"])
    setting.time.now = float(entry["at"])
    credential = VECTOR["access_token"] if name == "resource_request" else None
    found = await setting.ask(
        entry["proof"], method=entry["method"], path=entry["path"], credential=credential
    )
    assert found == VECTOR["thumbprint"]


@pytest.mark.parametrize("algorithm", PROOF_ALGORITHMS)
async def test_every_algorithm_that_is_offered_holds(algorithm: str) -> None:
    setting, holder = Setting(), Holder(algorithm)
    proof = holder.proof("GET", URI, at=setting.time.now, token="t")
    assert await setting.ask(proof, credential="t", thumbprint=holder.thumbprint) == (
        holder.thumbprint
    )
    assert algorithm in setting.verifier.challenge


async def test_a_proof_is_taken_once() -> None:
    setting = Setting()
    proof = setting.proof()
    assert await setting.ask(proof)
    assert await setting.fault(proof) == "replayed"


async def test_of_many_at_once_one_is_taken() -> None:
    setting = Setting()
    proof = setting.proof()
    answers = await asyncio.gather(*(setting.ask(proof) for _ in range(50)), return_exceptions=True)
    assert sum(isinstance(answer, str) for answer in answers) == 1


async def test_another_client_may_use_the_same_number() -> None:
    setting = Setting()
    for holder in (Holder(), Holder()):
        assert await setting.ask(holder.proof("GET", URI, at=setting.time.now, jti="1"))


async def test_how_many_proofs() -> None:
    setting = Setting()
    assert await setting.fault() == "missing"
    assert await setting.fault(setting.proof(), setting.proof()) == "several"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": 1}, "jti"),
        ({"jti": "x" * 129}, "jti"),
        ({"htm": "POST"}, "htm"),
        ({"htm": "get"}, "htm"),
        ({"htm": None}, "htm"),
        ({"htu": None}, "htu"),
        ({"htu": f"{ORIGIN}/other"}, "htu"),
        ({"htu": "http://api.example.org/things"}, "htu"),
        ({"htu": "https://api.example.org:8443/things"}, "htu"),
        ({"htu": "https://evil.example/things"}, "htu"),
        ({"htu": "https://api.example.org@evil.example/things"}, "htu"),
        ({"htu": "https://a@api.example.org/things"}, "htu"),
        ({"htu": "https://api.example.org:x/things"}, "htu"),
        ({"htu": "/things"}, "htu"),
        ({"htu": f"{ORIGIN}/things/"}, "htu"),
        ({"htu": f"{ORIGIN}/%2Fthings"}, "htu"),
        ({"iat": None}, "iat"),
        ({"iat": "now"}, "iat"),
        ({"iat": True}, "iat"),
        ({"iat": 1_800_000_000 - 61}, "iat"),
        ({"iat": 1_800_000_000 + 12}, "iat"),
        ({"ath": "x"}, "ath"),
        ({"ath": None}, "ath"),
        ({"ath": 1}, "ath"),
        ({"header": {"typ": "jwt"}}, "bad_header"),
        ({"header": {"typ": None}}, "bad_header"),
        ({"header": {"crit": ["exp"]}}, "bad_header"),
        ({"header": {"jku": "https://evil.example"}}, "bad_header"),
        ({"header": {"jwk": None}}, "bad_header"),
        ({"header": {"jwk": "x"}}, "bad_header"),
        ({"header": {"alg": "none"}}, "algorithm"),
        ({"header": {"alg": "HS256"}}, "algorithm"),
        ({"header": {"alg": ["ES256"]}}, "algorithm"),
        ({"header": {"alg": "ES384"}}, "bad_key"),
        ({"header": {"jwk": {**HOLDER.jwk, "d": "AAAA"}}}, "private_key"),
        ({"header": {"jwk": {"kty": "oct", "k": "A" * 43}}}, "private_key"),
        ({"header": {"jwk": {**HOLDER.jwk, "y": HOLDER.jwk["x"]}}}, "bad_key"),
        ({"header": {"jwk": {**HOLDER.jwk, "kty": ["EC"]}}}, "bad_key"),
        ({"key": generate_key("ES256")}, "bad_signature"),
        ({"padding": "x" * 4096}, "oversized"),
    ],
)
async def test_what_a_proof_must_say(change: dict[str, Any], expected: str) -> None:
    setting = Setting()
    token = None if "ath" in change else "token"
    proof = setting.proof(token=token, **change)
    assert await setting.fault(proof, credential="token") == expected


@pytest.mark.parametrize(
    "proof", ["", "x", "a.b", "a.b.c", "e30.e30.", "e30.e30.A", "W10.e30.AAAA"]
)
async def test_rubbish_is_no_proof(proof: str) -> None:
    assert await Setting().fault(proof) in ("malformed", "bad_header")


async def test_a_proof_of_another_key_is_refused() -> None:
    setting = Setting()
    assert await setting.fault(setting.proof(), thumbprint=Holder().thumbprint) == "another_key"


async def test_an_id_in_the_key_changes_nothing() -> None:
    setting = Setting()
    proof = setting.proof(header={"jwk": {**HOLDER.jwk, "kid": "x", "use": "sig"}})
    assert await setting.ask(proof) == HOLDER.thumbprint


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://API.example.org/things", URI),
        ("https://api.example.org:443/things?x=1#y", URI),
        ("HTTPS://api.example.org/th%69ngs", URI),
        (f"{ORIGIN}/a%2fb", f"{ORIGIN}/a%2Fb"),
        (ORIGIN, f"{ORIGIN}/"),
    ],
)
def test_addresses_compare_as_the_standard_says(one: str, other: str) -> None:
    assert normal_uri(one) == normal_uri(other)


async def test_the_server_may_ask_for_its_nonce() -> None:
    setting = Setting(use_nonce=True)
    with pytest.raises(DpopNonceError) as caught:
        await setting.ask(setting.proof())
    nonce = caught.value.headers["DPoP-Nonce"]
    assert caught.value.code == "use_dpop_nonce"
    assert 'error="use_dpop_nonce"' in caught.value.headers["WWW-Authenticate"]
    assert await setting.ask(setting.proof(nonce=nonce))
    for other in ("x", "ü", 1, Setting(use_nonce=True, secrets=[OTHER_SECRET]).verifier.nonce()):
        assert await setting.fault(setting.proof(nonce=other)) == "nonce"
    setting.time.now += 300
    assert await setting.ask(setting.proof(nonce=nonce))
    setting.time.now += 300
    assert await setting.fault(setting.proof(nonce=nonce)) == "nonce"


@pytest.mark.parametrize(
    "origin", ["", "api.example.org", "https://", "https://a@b.example", "https://b.example:99999"]
)
def test_an_origin_that_is_no_address_is_refused(origin: str) -> None:
    with pytest.raises(ConfigurationError, match="no address"):
        Setting(origin=origin)


async def test_a_target_that_is_no_address_needs_more_than_another_that_is_none() -> None:
    setting = Setting()
    proof = setting.proof(htu="nowhere")
    assert await setting.fault(proof, path="@evil.example/things") == "htu"


async def test_a_nonce_survives_a_change_of_the_secret() -> None:
    old = Setting(use_nonce=True)
    new = Setting(use_nonce=True, secrets=[OTHER_SECRET, SECRET])
    assert await new.ask(new.proof(nonce=old.verifier.nonce()))
    with pytest.raises(ConfigurationError):
        Setting(secrets=[])


async def test_proofs_that_do_not_hold_take_no_room() -> None:
    store = MemoryProofStore(max_entries=1)
    setting = Setting(store=store)
    for _ in range(5):
        await setting.fault(setting.proof(htm="POST"))
    assert await setting.ask(setting.proof())
    setting.time.now += 100
    assert await setting.verifier.prune() == 0, "another machine's clock may be behind"
    setting.time.now += CLOCK_MARGIN
    assert await setting.verifier.prune() == 1
    assert await setting.ask(setting.proof())
