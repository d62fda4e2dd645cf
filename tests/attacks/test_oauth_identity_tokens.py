"""Attack: an ID token that is forged, stolen, old, or meant for somebody else (RFC 9700 4.5)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from tests.oauth.fake import CLIENT, ISSUER, KEY
from tests.oauth.flow import Journey
from zenith.oauth import ProviderError
from zenith.tokens import generate_key, sign_compact
from zenith.tokens.jwk import public_jwk

OTHER = "https://evil.example.org"


def encoded(document):
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def refused(journey, reason):
    with pytest.raises(ProviderError) as caught:
        await journey.travel()
    assert reason in caught.value.reason
    assert "answer as it should" in caught.value.detail


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": OTHER}, "iss"),
        ({"iss": f"{ISSUER}/"}, "iss"),
        ({"iss": None}, "iss"),
        ({"iss": [ISSUER]}, "iss"),
        ({"aud": "another-client"}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": {"a": CLIENT}}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": [CLIENT, "another-client"]}, "azp"),
        ({"aud": [CLIENT, "another-client"], "azp": "another-client"}, "azp"),
        ({"azp": "another-client"}, "azp"),
        ({"nonce": "of-another-sign-in"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"nonce": 1}, "nonce"),
        ({"exp": None}, "exp"),
        ({"exp": "9999999999"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": 1_000_000 - 60}, "exp"),
        ({"iat": None}, "iat"),
        ({"iat": 1_000_000 - 61}, "iat"),
        ({"iat": 1_000_000 + 61}, "iat"),
        ({"nbf": 1_000_000 + 61}, "nbf"),
        ({"auth_time": "yesterday"}, "auth_time"),
        ({"at_hash": "of-another-access-token"}, "at_hash"),
        ({"at_hash": 1}, "at_hash"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "a\nb"}, "sub"),
        ({"sub": "ä"}, "sub"),
        ({"sub": "x" * 256}, "sub"),
    ],
)
async def test_claims_that_do_not_hold(claims, reason):
    journey = Journey()
    journey.provider.claims = claims
    await refused(journey, f"id token: {reason} does not hold")


async def test_several_audiences_with_us_as_the_authorized_party_are_fine():
    journey = Journey()
    journey.provider.claims = {"aud": ["another-client", CLIENT], "azp": CLIENT}
    assert (await journey.travel()).identity.subject == "s1"


async def test_the_hash_of_the_access_token_holds():
    journey = Journey()
    half = hashlib.sha256(b"at-known").digest()[:16]
    journey.provider.tokens = {"access_token": "at-known"}
    journey.provider.claims = {"at_hash": encoded(half)}
    assert (await journey.travel()).identity.subject == "s1"


@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt", "dpop+jwt"])
async def test_a_token_of_another_kind(typ):
    journey = Journey()
    journey.provider.typ = typ
    await refused(journey, "typ")


async def test_a_token_signed_by_nobody():
    journey = Journey()

    def unsigned(nonce, person):
        claims = {"iss": ISSUER, "aud": CLIENT, "sub": "victim", "nonce": nonce, "iat": 1_000_000}
        return f"{encoded({'alg': 'none'})}.{encoded({**claims, 'exp': 1_000_300})}."

    journey.provider.id_token = unsigned
    await refused(journey, "id token")


async def test_a_token_signed_with_the_public_key_as_a_secret():
    journey = Journey()
    secret = json.dumps(public_jwk(KEY)).encode()

    def confused(nonce, person):
        claims = {"iss": ISSUER, "aud": CLIENT, "sub": "victim", "nonce": nonce, "iat": 1_000_000}
        head = encoded({"alg": "HS256", "kid": "k1"})
        message = f"{head}.{encoded({**claims, 'exp': 1_000_300})}"
        return f"{message}.{encoded(hmac.digest(secret, message.encode(), 'sha256'))}"

    journey.provider.id_token = confused
    await refused(journey, "algorithm_refused")


async def test_a_token_signed_with_the_clients_secret():
    """HS256 by the client's secret is legal in OpenID Connect; here no secret verifies."""
    journey = Journey()
    journey.provider.key = generate_key("HS256", kid="k1")
    await refused(journey, "algorithm_refused")


async def test_a_set_of_keys_that_holds_a_secret():
    journey = Journey()
    key = generate_key("HS256", kid="k1")
    from tests.oauth.fake import httpx

    jwk = {"kty": "oct", "kid": "k1", "alg": "HS256", "k": encoded(b"s" * 32)}
    journey.provider.answers = {"/jwks": httpx.Response(200, json={"keys": [jwk]})}
    journey.provider.key = key
    await refused(journey, "no key")


async def test_a_token_signed_with_a_key_of_ones_own():
    journey = Journey()
    journey.provider.key = generate_key("ES256", kid="k1")
    await refused(journey, "bad_signature")


async def test_a_key_id_that_nobody_has():
    journey = Journey()
    journey.provider.key = generate_key("ES256", kid="k9")
    await refused(journey, "unknown key")


async def test_invented_key_ids_cause_no_flood_of_requests():
    journey = Journey()
    await journey.travel()
    journey.provider.key = generate_key("ES256", kid="k9")
    for _ in range(20):
        with pytest.raises(ProviderError):
            await journey.travel()
    assert [each.url.path for each in journey.provider.requests].count("/jwks") == 1
    journey.world.pass_time(31)
    with pytest.raises(ProviderError):
        await journey.travel()
    assert [each.url.path for each in journey.provider.requests].count("/jwks") == 2


async def test_a_token_that_brings_its_own_key():
    journey = Journey()
    own = generate_key("ES256", kid="k1")

    def bring(nonce, person):
        honest = sign_compact({"iss": ISSUER}, own).split(".")
        head = encoded({"alg": "ES256", "kid": "k1", "jwk": public_jwk(own)})
        message = f"{head}.{honest[1]}"
        return f"{message}.{encoded(own.sign(message.encode()))}"

    journey.provider.id_token = bring
    await refused(journey, "bad_header")


async def test_a_token_answered_in_place_of_an_id_token():
    for missing in (None, 7):
        journey = Journey()
        journey.provider.tokens = {"id_token": missing}
        await refused(journey, "no ID token")
