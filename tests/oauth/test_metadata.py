"""Keys as providers really publish them, and addresses that may not be."""

from __future__ import annotations

import pytest

from tests.oauth.fake import ISSUER
from tests.oauth.flow import OIDC
from zenith.oauth import ProviderError
from zenith.oauth.metadata import read_keys, read_metadata
from zenith.oauth.provider import ASYMMETRIC
from zenith.tokens import KeyRing, generate_key

RSA, PSS, CURVE = (generate_key(name, kid=name) for name in ("RS256", "PS384", "ES256"))


def published(*keys, without=("alg",)):
    jwks = KeyRing(keys, signing=keys[0].kid).to_jwks()["keys"]
    return {"keys": [{k: v for k, v in key.items() if k not in without} for key in jwks]}


def algorithms_of(document, algorithms=ASYMMETRIC):
    return {key.kid: key.algorithm for key in read_keys(document, algorithms).keys}


def test_keys_that_name_no_algorithm_are_taken_for_the_usual_one():
    found = algorithms_of(published(RSA, PSS, CURVE))
    assert found == {"RS256": "RS256", "PS384": "RS256", "ES256": "ES256"}


def test_or_for_the_only_one_that_was_agreed():
    assert algorithms_of(published(RSA, PSS), ("PS384", "ES256")) == {
        "RS256": "PS384",
        "PS384": "PS384",
    }
    with pytest.raises(ProviderError):
        read_keys(published(RSA, PSS), ("PS384", "PS256"))


def test_what_a_key_says_counts():
    assert algorithms_of(published(RSA, PSS, without=())) == {"RS256": "RS256", "PS384": "PS384"}


def test_keys_for_other_algorithms_are_passed_over():
    assert algorithms_of(published(RSA, PSS, CURVE), ("RS256",)) == {
        "RS256": "RS256",
        "PS384": "RS256",
    }
    assert algorithms_of(published(RSA, CURVE, without=()), ("ES256",)) == {"ES256": "ES256"}


@pytest.mark.parametrize("keys", [None, {}, "keys", ["key"], [[]], []])
def test_what_is_no_set_is_refused(keys):
    with pytest.raises(ProviderError):
        read_keys({"keys": keys}, ASYMMETRIC)


def test_a_provider_that_publishes_its_secrets_is_not_believed():
    import base64

    private = RSA.private.private_numbers()

    def number(value):
        octets = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()

    names = {"p": "p", "q": "q", "d": "d", "dp": "dmp1", "dq": "dmq1", "qi": "iqmp"}
    (jwk,) = published(RSA)["keys"]
    jwk |= {name: number(getattr(private, field)) for name, field in names.items()}
    with pytest.raises(ProviderError):
        read_keys({"keys": [jwk]}, ASYMMETRIC)


@pytest.mark.parametrize("address", ["http://id.example.org/par", "http://localhost/par", 7, ""])
def test_requests_are_pushed_to_encrypted_addresses_only(address):
    document = {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/authorize",
        "token_endpoint": f"{ISSUER}/token",
        "jwks_uri": f"{ISSUER}/jwks",
        "pushed_authorization_request_endpoint": f"{ISSUER}/par",
    }
    assert read_metadata(document, OIDC).pushed == f"{ISSUER}/par"
    with pytest.raises(ProviderError):
        read_metadata({**document, "pushed_authorization_request_endpoint": address}, OIDC)
