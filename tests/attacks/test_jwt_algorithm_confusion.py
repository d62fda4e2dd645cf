"""The attacker chooses the algorithm: `none`, a public key as shared secret, or a weaker sibling.

A verifier that takes the algorithm from the token can be told to check an HMAC with the bytes of a
public key, which everybody knows, or to check nothing at all (RFC 8725 sections 2.1, 3.1; ASVS
9.1.2).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.tokens.fakes import SECRET, forge
from zenith.kernel.errors import ConfigurationError
from zenith.tokens import (
    ALGORITHMS,
    EcKey,
    Ed25519Key,
    HmacKey,
    Key,
    KeyRing,
    RsaKey,
    TokenError,
    TokenManager,
    generate_key,
    sign_compact,
    verify_compact,
)
from zenith.tokens.base64url import encode
from zenith.tokens.jwk import public_jwk

KEYS = {name: generate_key(name, kid="k") for name in ("HS256", "RS256", "ES256", "EdDSA")}


def refused(token: str, ring: KeyRing) -> None:
    with pytest.raises(TokenError):
        verify_compact(token, ring, algorithms=ALGORITHMS)


@pytest.mark.parametrize("algorithm", sorted(KEYS))
@pytest.mark.parametrize("none", ["none", "None", "NONE", "nOnE", "", " none", "none\0"])
@pytest.mark.parametrize("signature", ["", "AAAA", "e30"])
def test_none_in_any_spelling(algorithm: str, none: str, signature: str) -> None:
    head = encode(json.dumps({"alg": none, "kid": "k"}).encode()).decode()
    refused(f"{head}.e30.{signature}", KeyRing([KEYS[algorithm]]))


def test_none_cannot_be_allowed() -> None:
    assert "none" not in ALGORITHMS
    head = encode(b'{"alg":"none"}').decode()
    with pytest.raises(TokenError):
        verify_compact(f"{head}.e30.AAAA", KeyRing([KEYS["HS256"]]), algorithms={"none"})
    with pytest.raises(ConfigurationError):
        KeyRing.from_jwks({"keys": [{"kty": "oct", "k": "A" * 43, "alg": "none"}]})


def spellings(key: Key) -> list[bytes]:
    assert isinstance(key, RsaKey | EcKey | Ed25519Key)
    public = key.public
    info = PublicFormat.SubjectPublicKeyInfo
    texts = [public.public_bytes(Encoding.PEM, info), public.public_bytes(Encoding.DER, info)]
    jwk = public_jwk(key)
    assert jwk is not None
    texts += [json.dumps(jwk).encode(), json.dumps(jwk, separators=(",", ":")).encode()]
    texts += [value.encode() for name, value in jwk.items() if name in ("n", "x", "y")]
    if isinstance(key, RsaKey):
        texts.append(public.public_bytes(Encoding.PEM, PublicFormat.PKCS1))
    return [*texts, texts[0].strip(), texts[0].replace(b"\n", b"")]


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("name", ["HS256", "HS384", "HS512"])
def test_public_keys_are_no_shared_secrets(algorithm: str, name: str) -> None:
    key = KEYS[algorithm]
    hashed = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[name]
    message = encode(json.dumps({"alg": name, "kid": "k"}).encode()) + b".e30"
    for text in spellings(key):
        mac = hmac.new(text, message, hashed).digest()
        refused((message + b"." + encode(mac)).decode(), KeyRing([key]))


@pytest.mark.parametrize("algorithm", sorted(KEYS))
@pytest.mark.parametrize("claimed", sorted(ALGORITHMS))
def test_the_key_decides_about_the_algorithm(algorithm: str, claimed: str) -> None:
    key = KEYS[algorithm]
    token = forge({"alg": claimed, "kid": "k"}, {}, key)
    if claimed in key.names:
        verify_compact(token, KeyRing([key]), algorithms=ALGORITHMS)
    else:
        refused(token, KeyRing([key]))


def test_the_sibling_padding_is_another_algorithm() -> None:
    key = KEYS["RS256"]
    assert isinstance(key, RsaKey)
    private: Any = key.private
    pss = RsaKey(private, kid="k", algorithm="PS256")
    refused(forge({"alg": "PS256", "kid": "k"}, {}, pss), KeyRing([key]))
    refused(forge({"alg": "RS256", "kid": "k"}, {}, pss), KeyRing([key]))


def test_an_algorithm_that_is_not_allowed_here_is_refused_although_the_key_has_it() -> None:
    key = KEYS["ES256"]
    with pytest.raises(TokenError) as caught:
        verify_compact(sign_compact({}, key), KeyRing([key]), algorithms={"EdDSA"})
    assert caught.value.fault == "algorithm_refused"


def test_a_mixed_ring_cannot_be_made() -> None:
    with pytest.raises(ConfigurationError, match="mixes"):
        KeyRing([HmacKey(b"k" * 32, kid="a"), KEYS["RS256"]])


def test_a_manager_signs_and_verifies_with_its_own_algorithm_only() -> None:
    tokens = TokenManager(SECRET)
    for algorithm in ("RS256", "ES256", "EdDSA"):
        with pytest.raises(TokenError):
            tokens.verify(sign_compact({"sub": "admin"}, KEYS[algorithm], typ="at+jwt"))
