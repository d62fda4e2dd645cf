"""Keys as JSON are read strictly and written without secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.tokens import ALGORITHMS, generate_key
from zenith.tokens.base64url import decode, encode
from zenith.tokens.jwk import is_foreign, key_from_jwk, public_jwk, thumbprint

VECTORS = Path(__file__).parent.parent / "vectors"


def vector(name: str, index: int) -> dict[str, Any]:
    entries = json.loads((VECTORS / name).read_text())["valid"]
    return dict(entries[index]["key"])


OCT = vector("jose_rfc7515.json", 0)
RSA = vector("jose_rfc7515.json", 1)
EC = vector("jose_rfc7515.json", 2)
OKP = vector("jose_rfc8037.json", 0)


@pytest.mark.parametrize("jwk", [OCT, RSA, EC, OKP], ids=["oct", "RSA", "EC", "OKP"])
def test_private_keys_sign(jwk: dict[str, Any]) -> None:
    key = key_from_jwk(jwk)
    assert key.can_sign
    assert key.verify(b"m", key.sign(b"m"))
    assert not key.named
    assert key_from_jwk({**jwk, "kid": "mine", "use": "sig"}).named


@pytest.mark.parametrize(
    ("jwk", "algorithm"), [(OCT, "HS256"), (RSA, "RS256"), (EC, "ES256"), (OKP, "EdDSA")]
)
def test_without_alg_the_kind_decides(jwk: dict[str, Any], algorithm: str) -> None:
    assert key_from_jwk(jwk).algorithm == algorithm


def test_ed25519_has_two_names() -> None:
    assert key_from_jwk({**OKP, "alg": "Ed25519"}).names == {"EdDSA", "Ed25519"}


def test_thumbprint_is_that_of_the_standard() -> None:
    expected = json.loads((VECTORS / "jose_rfc8037.json").read_text())["valid"][0]["thumbprint"]
    assert thumbprint(OKP) == expected
    assert key_from_jwk(OKP).kid == expected


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS - {"HS256", "HS384", "HS512"}))
def test_public_keys_go_round(algorithm: str) -> None:
    key = generate_key(algorithm, kid="k")
    published = public_jwk(key)
    assert published is not None
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & published.keys()
    assert (published["kid"], published["use"], published["alg"]) == ("k", "sig", algorithm)
    again = key_from_jwk(published)
    assert not again.can_sign
    assert again.verify(b"m", key.sign(b"m"))


def test_symmetric_keys_have_no_public_part() -> None:
    assert public_jwk(generate_key("HS256")) is None


def short(jwk: dict[str, Any], name: str) -> dict[str, Any]:
    return {**jwk, name: jwk[name][:-4]}


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": 1},
        {"kty": "oct"},
        {"kty": "rsa", "n": "AQAB", "e": "AQAB"},
        {**OCT, "k": "c2hvcnQ"},
        {**OCT, "k": OCT["k"] + "="},
        {**OCT, "k": "ü"},
        {**OCT, "use": "enc"},
        {**OCT, "use": 1},
        {**OCT, "key_ops": ["encrypt"]},
        {**OCT, "key_ops": "verify"},
        {**OCT, "key_ops": []},
        {**OCT, "key_ops": ["verify", "encrypt"]},
        {**OCT, "key_ops": ["verify", "verify"]},
        {**OCT, "key_ops": ["sign", "verify", "sign"]},
        {name: value for name, value in {**EC, "key_ops": ["sign"]}.items() if name != "d"},
        {**RSA, "n": encode(b"\0" + decode(RSA["n"].encode())).decode()},
        {**RSA, "e": ""},
        {**OCT, "alg": "RS256"},
        {**OCT, "alg": None},
        {**OCT, "kid": 7},
        {**RSA, "alg": "HS256"},
        {**RSA, "e": "Aw"},
        {**RSA, "e": "AQAA"},
        {**RSA, "n": "AQAB"},
        {**RSA, "oth": []},
        {**RSA, "p": RSA["q"]},
        {**RSA, "d": "AQAB"},
        {name: value for name, value in RSA.items() if name != "qi"},
        {**EC, "crv": "secp256k1"},
        {**EC, "crv": "P-384"},
        {**EC, "alg": "ES384"},
        {**EC, "y": EC["x"]},
        {**EC, "x": encode(b"\0" + b"\1" * 32).decode()},
        {**EC, "d": encode(b"\0" * 32).decode()},
        short(EC, "x"),
        short(EC, "d"),
        {**OKP, "crv": "X25519"},
        {**OKP, "x": encode(b"\1" * 31).decode()},
        {**OKP, "d": encode(b"\1" * 32).decode()},
        {**OKP, "alg": "ES256"},
    ],
)
def test_what_is_weak_broken_or_not_for_signatures_is_refused(jwk: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        key_from_jwk(jwk)
    for value in jwk.values():
        if isinstance(value, str) and len(value) > 20:
            assert value not in str(caught.value)


@pytest.mark.parametrize(
    ("jwk", "foreign"),
    [
        (OCT, False),
        (RSA, False),
        (EC, False),
        (OKP, False),
        ({**RSA, "use": "enc"}, True),
        ({**RSA, "alg": "RSA-OAEP"}, True),
        ({**EC, "crv": "secp256k1"}, True),
        ({**OKP, "crv": "Ed448"}, True),
        ({"kty": "AKP"}, True),
        ({"kty": "RSA"}, False),
        ({"kty": ["RSA"]}, False),
        ({"kty": 1, "alg": {}}, False),
    ],
)
def test_foreign_keys_are_told_from_faulty_ones(jwk: dict[str, Any], foreign: bool) -> None:
    assert is_foreign(jwk) is foreign


@pytest.mark.parametrize(
    ("jwk", "algorithms", "foreign"),
    [
        (OCT, {"ES256"}, True),
        (RSA, {"PS256"}, False),
        (EC, {"ES256"}, False),
        (EC, {"ES384"}, True),
        (OKP, {"Ed25519"}, False),
        (OKP, {"ES256"}, True),
        ({**RSA, "alg": "RS256"}, {"PS256"}, True),
    ],
)
def test_keys_for_other_algorithms_are_foreign(
    jwk: dict[str, Any], algorithms: set[str], foreign: bool
) -> None:
    assert is_foreign(jwk, algorithms) is foreign


def test_a_private_key_may_be_for_signing_alone() -> None:
    assert key_from_jwk({**EC, "key_ops": ["sign"]}).can_sign
    assert key_from_jwk({**EC, "key_ops": ["sign", "verify"]}).can_sign
