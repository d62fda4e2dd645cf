"""Compact JWS: the standards' own vectors, and everything that is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tokens.fakes import forge
from zenith.tokens import HmacKey, KeyRing, TokenError, sign_compact, verify_claims, verify_compact
from zenith.tokens.base64url import encode
from zenith.tokens.jws import MAX_TOKEN

VECTORS = Path(__file__).parent.parent / "vectors"
DOCUMENTS = [json.loads(path.read_text()) for path in sorted(VECTORS.glob("jose_rfc*.json"))]
VALID = [vector for document in DOCUMENTS for vector in document["valid"]]
REFUSED = [vector for document in DOCUMENTS for vector in document.get("refused", ())]
KEY = HmacKey(b"k" * 32, kid="one")
RING = KeyRing([KEY])
HS256 = frozenset({"HS256"})


def fault(token: str, ring: KeyRing = RING, algorithms: frozenset[str] = HS256) -> str:
    with pytest.raises(TokenError) as caught:
        verify_compact(token, ring, algorithms=algorithms, now=1000.0)
    return caught.value.fault


@pytest.mark.parametrize("vector", VALID, ids=lambda vector: vector["name"])
def test_vectors_of_the_standards_verify(vector: dict[str, Any]) -> None:
    ring = KeyRing.from_jwks({"keys": [vector["key"]]})
    header, payload = verify_compact(
        vector["compact"], ring, algorithms={vector["algorithm"]}, now=1000.0
    )
    assert header["alg"] == vector["algorithm"]
    expected = vector["payload"]
    if isinstance(payload, bytes):
        assert payload == expected.encode()
    else:
        assert payload == json.loads(expected)


@pytest.mark.parametrize("vector", VALID, ids=lambda vector: vector["name"])
def test_vectors_fail_once_one_bit_is_changed(vector: dict[str, Any]) -> None:
    ring = KeyRing.from_jwks({"keys": [vector["key"]]})
    head, body, signature = vector["compact"].split(".")
    other = "B" if signature[10] == "A" else "A"
    changed = f"{head}.{body}.{signature[:10]}{other}{signature[11:]}"
    assert fault(changed, ring, frozenset({vector["algorithm"]})) == "bad_signature"
    other = "B" if body[3] == "A" else "A"
    changed = f"{head}.{body[:3]}{other}{body[4:]}.{signature}"
    assert fault(changed, ring, frozenset({vector["algorithm"]})) == "bad_signature"


@pytest.mark.parametrize("vector", REFUSED, ids=lambda vector: vector["name"])
def test_unsecured_vectors_are_refused(vector: dict[str, Any]) -> None:
    fault(vector["compact"])


@pytest.mark.parametrize("vector", VALID, ids=lambda vector: vector["name"])
def test_what_we_sign_verifies(vector: dict[str, Any]) -> None:
    ring = KeyRing.from_jwks({"keys": [vector["key"]]})
    token = sign_compact({"sub": "ü"}, ring.signing_key(1000.0), typ="JWT")
    header, claims = verify_claims(token, ring, algorithms=ring.algorithms, now=1000.0)
    assert claims == {"sub": "ü"}
    assert header["typ"] == "JWT"
    token = sign_compact(b"bytes", ring.signing_key(1000.0))
    assert verify_compact(token, ring, algorithms=ring.algorithms)[1] == b"bytes"


def test_headers_are_read_once_and_handed_out_as_copies() -> None:
    ring = KeyRing([KEY])
    token = sign_compact({"a": 1}, KEY)
    header, _ = verify_claims(token, ring, algorithms=HS256)
    header["alg"] = "none"
    again, _ = verify_claims(token, ring, algorithms=HS256)
    assert again["alg"] == "HS256"
    assert len(ring.known_headers) == 1


def test_a_known_header_is_still_held_against_the_allow_list() -> None:
    ring = KeyRing([KEY])
    token = sign_compact({"a": 1}, KEY)
    verify_claims(token, ring, algorithms=HS256)
    assert fault(token, ring, frozenset({"HS512"})) == "algorithm_refused"


def test_headers_of_forged_tokens_are_not_kept() -> None:
    ring = KeyRing([KEY])
    stranger = HmacKey(b"s" * 32, kid="one")
    for number in range(10):
        assert fault(forge({"alg": "HS256", "n": str(number)}, {}, stranger), ring) == (
            "bad_signature"
        )
    assert not ring.known_headers


def test_headers_with_structured_members_are_not_kept() -> None:
    ring = KeyRing([KEY])
    verify_compact(forge({"alg": "HS256", "n": [1]}, {}, KEY), ring, algorithms=HS256)
    assert not ring.known_headers


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("", "malformed"),
        (".", "malformed"),
        ("..", "bad_encoding"),
        ("a.b", "malformed"),
        ("a.b.c.d", "malformed"),
        ("a.b.c.d.e", "malformed"),
        ("a.b.ü", "malformed"),
        ("a.b.\ud800", "malformed"),
        ("eyJhbGciOiJIUzI1NiJ9..AAAA", "bad_signature"),
        ("eyJhbGciOiJIUzI1NiJ9.AAAA.", "bad_encoding"),
        (".AAAA.AAAA", "bad_json"),
        ("A.AAAA.AAAA", "bad_encoding"),
        ("e30.AAAA.AAAA", "bad_header"),
        ("W10.AAAA.AAAA", "bad_json"),
        ("A" * (MAX_TOKEN + 1), "oversized"),
        (f"{'A' * 2052}.AAAA.AAAA", "oversized"),
        ("eyJhbGciOiJIUzI1NiJ9.AAAA.AAAAA", "bad_encoding"),
        ("eyJhbGciOiJIUzI1NiJ9.AAAAA.AAAA", "bad_encoding"),
        ("eyJhbGciOiJIUzI1NiJ9.AAAA.AAAA", "bad_signature"),
    ],
)
def test_malformed_tokens_are_refused(token: str, expected: str) -> None:
    assert fault(token) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"alg": "none"}, "algorithm_refused"),
        ({"alg": "hs256"}, "algorithm_refused"),
        ({"alg": "HS512"}, "algorithm_refused"),
        ({"alg": 1}, "bad_header"),
        ({"alg": None}, "bad_header"),
        ({"alg": "HS256", "kid": 1}, "bad_header"),
        ({"alg": "HS256", "kid": "x" * 300}, "bad_header"),
        ({"alg": "HS256", "kid": "two"}, "unknown_key"),
        ({"alg": "HS256", "typ": []}, "bad_header"),
        ({"alg": "HS256", "crit": []}, "critical_extension"),
        ({"alg": "HS256", "crit": ["exp"]}, "critical_extension"),
        ({"alg": "HS256", "b64": False, "crit": ["b64"]}, "critical_extension"),
        ({"alg": "HS256", "b64": True}, "bad_header"),
        ({"alg": "HS256", "zip": "DEF"}, "bad_header"),
        (b'{"alg":"HS256","alg":"HS256"}', "bad_json"),
        (b'{"alg":"HS256","a":1e999}', "bad_json"),
        (b'{"alg":"HS256"} x', "bad_json"),
    ],
)
def test_headers_that_ask_for_more_are_refused(header: Any, expected: str) -> None:
    assert fault(forge(header, {}, KEY)) == expected


@pytest.mark.parametrize(
    "payload", [b'{"a":1,"a":2}', b'{"a":NaN}', b" {", b'{"a":1}]', b'{"a":"\\ud800"}', b"{" * 20]
)
def test_ambiguous_objects_are_refused_although_signed(payload: bytes) -> None:
    assert fault(forge({"alg": "HS256"}, payload, KEY)) == "not_claims"


@pytest.mark.parametrize("payload", [b"text", b"[]", b"1", b"\xff\x00"])
@pytest.mark.parametrize("typ", [None, "JWT", "at+JWT"])
def test_a_jwt_holds_an_object(payload: bytes, typ: str | None) -> None:
    header = {"alg": "HS256"} | ({} if typ is None else {"typ": typ})
    token = forge(header, payload, KEY)
    with pytest.raises(TokenError) as caught:
        verify_claims(token, RING, algorithms=HS256)
    assert caught.value.fault == "not_claims"
    if typ is None:
        assert verify_compact(token, RING, algorithms=HS256) == (header, payload)
    else:
        assert fault(token) == "not_claims"


def test_the_largest_token_passes() -> None:
    size = (MAX_TOKEN - 20 - 44) * 3 // 4 - 40
    token = forge({"alg": "HS256"}, b"x" * size, KEY)
    assert len(token) <= MAX_TOKEN
    assert verify_compact(token, RING, algorithms=HS256)[1] == b"x" * size


def test_keys_hold_within_their_time_only() -> None:
    token = sign_compact({}, KEY)
    ring = KeyRing([KEY.within(100.0, 200.0)])
    for now, valid in ((99.9, False), (100.0, True), (199.9, True), (200.0, False)):
        if valid:
            verify_compact(token, ring, algorithms=HS256, now=now)
        else:
            with pytest.raises(TokenError) as caught:
                verify_compact(token, ring, algorithms=HS256, now=now)
            assert caught.value.fault == "key_not_valid"


def test_one_string_is_no_allow_list() -> None:
    with pytest.raises(TypeError, match="collection"):
        verify_compact(sign_compact({}, KEY), RING, algorithms="HS256")


def test_claims_that_json_cannot_hold_are_not_signed() -> None:
    with pytest.raises(ValueError, match="JSON"):
        sign_compact({"a": float("nan")}, KEY)


def test_every_refusal_reads_the_same() -> None:
    texts = set()
    for token in ("", "a.b.c", sign_compact({}, HmacKey(b"s" * 32, kid="one"))):
        with pytest.raises(TokenError) as caught:
            verify_compact(token, RING, algorithms=HS256)
        error = caught.value
        texts.add((str(error), error.code, error.status, error.headers["WWW-Authenticate"]))
    assert texts == {
        (
            "The token is invalid or has expired",
            "invalid_token",
            401,
            'Bearer error="invalid_token"',
        )
    }


def test_json_serialisation_is_no_token() -> None:
    head, body, signature = sign_compact({}, KEY).split(".")
    flattened = json.dumps({"protected": head, "payload": body, "signature": signature})
    assert fault(flattened) == "malformed"
    assert fault(encode(flattened.encode()).decode()) == "malformed"
