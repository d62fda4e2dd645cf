"""Key rings: which key signs, which verify, and until when."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tokens.fakes import OTHER_SECRET, SECRET
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.tokens import (
    Ed25519Key,
    HmacKey,
    KeyRing,
    TokenError,
    generate_key,
    sign_compact,
    verify_compact,
)
from zenith.tokens.jwk import public_jwk
from zenith.tokens.keyring import MAX_KEYS, MAX_KNOWN_HEADERS

VECTORS = Path(__file__).parent.parent / "vectors"
OCT = json.loads((VECTORS / "jose_rfc7515.json").read_text())["valid"][0]["key"]
EC = json.loads((VECTORS / "jose_rfc7515.json").read_text())["valid"][2]["key"]
PUBLIC_EC = {name: value for name, value in EC.items() if name != "d"}


def hmac(kid: str) -> HmacKey:
    return HmacKey(kid.encode().ljust(32, b"."), kid=kid)


def holds(token: str, ring: KeyRing, now: float) -> bool:
    try:
        verify_compact(token, ring, algorithms=ring.algorithms, now=now)
    except TokenError:
        return False
    return True


def test_a_secret_makes_a_ring() -> None:
    ring = KeyRing.from_secret(SECRET)
    (key,) = ring.keys
    assert (key.algorithm, ring.algorithms) == ("HS256", {"HS256"})
    assert KeyRing.from_secret(SECRET).keys[0].kid == key.kid
    assert KeyRing.from_secret(OTHER_SECRET).keys[0].kid != key.kid
    assert SECRET.reveal() not in repr(ring)


def test_former_secrets_verify_and_do_not_sign() -> None:
    old = KeyRing.from_secret(OTHER_SECRET)
    ring = KeyRing.from_secret(SECRET, previous=[OTHER_SECRET])
    token = sign_compact({}, old.signing_key(0.0))
    assert holds(token, ring, 0.0)
    assert not holds(token, KeyRing.from_secret(SECRET), 0.0)
    assert ring.signing_key(0.0).kid == KeyRing.from_secret(SECRET).keys[0].kid


def test_a_secret_makes_an_ed25519_ring() -> None:
    ring = KeyRing.ed25519_from_secret(SECRET, previous=[OTHER_SECRET])
    assert ring.algorithms == {"EdDSA", "Ed25519"}
    published = KeyRing.from_jwks(ring.to_jwks())
    assert len(published.keys) == 2
    assert all(isinstance(key, Ed25519Key) and not key.can_sign for key in published.keys)
    assert holds(sign_compact({}, ring.signing_key(0.0)), published, 0.0)


@pytest.mark.parametrize("make", [KeyRing.from_secret, KeyRing.ed25519_from_secret])
def test_weak_secrets_are_refused(make: Any) -> None:
    with pytest.raises(ConfigurationError, match="secret_key"):
        make(Secret("short"))
    with pytest.raises(ConfigurationError, match="secret_key"):
        make(SECRET, previous=[Secret("your-secret-key-change-in-production")])


def test_rings_are_never_ambiguous() -> None:
    with pytest.raises(ConfigurationError, match="no key"):
        KeyRing([])
    with pytest.raises(ConfigurationError, match="twice"):
        KeyRing([hmac("a"), hmac("a")])
    with pytest.raises(ConfigurationError, match="mixes"):
        KeyRing([hmac("a"), generate_key("EdDSA")])
    with pytest.raises(ConfigurationError, match="too large"):
        KeyRing([hmac(str(number)) for number in range(MAX_KEYS + 1)])
    with pytest.raises(ConfigurationError, match="can sign"):
        KeyRing([hmac("a")], signing="b")


def test_several_private_keys_sign_only_when_one_is_named() -> None:
    ring = KeyRing([hmac("a"), hmac("b")])
    with pytest.raises(ConfigurationError, match="no key that signs"):
        ring.signing_key(0.0)
    assert KeyRing([hmac("a"), hmac("b")], signing="b").signing_key(0.0).kid == "b"


def test_tokens_find_their_key() -> None:
    one = KeyRing([hmac("a")])
    two = KeyRing([hmac("a"), hmac("b")])
    assert one.find("a") is one.find(None) is one.keys[0]
    assert one.find("b") is None
    assert two.find(None) is None
    assert two.find("b") is two.keys[1]
    nameless = KeyRing.from_jwks({"keys": [OCT]})
    assert nameless.find("anything") is nameless.find(None) is nameless.keys[0]


def test_jwk_sets_are_read() -> None:
    ring = KeyRing.from_jwks({"keys": [{**OCT, "kid": "a"}]})
    assert ring.signing_key(0.0).kid == "a"
    assert KeyRing.from_jwks(OCT).keys[0].algorithm == "HS256"
    two = [{**OCT, "kid": name, "alg": "HS256"} for name in ("a", "b")]
    signing = KeyRing.from_jwks({"keys": two}, signing="b")
    assert signing.signing_key(0.0).kid == "b"


@pytest.mark.parametrize(
    ("jwks", "message"),
    [
        ({}, "not a JWK Set"),
        ({"keys": {}}, "not a JWK Set"),
        ({"keys": ["a"]}, "not a JWK Set"),
        ({"keys": []}, "no key"),
        ({"keys": [{**OCT, "kid": "a", "alg": "HS256"}, {**EC, "kid": "b"}]}, "mixes"),
        ({"keys": [{**OCT, "kid": "a", "alg": "HS256"}] * 2}, "twice"),
        ({"keys": [{**OCT, "kid": "a"}, {**OCT, "kid": "b", "alg": "HS256"}]}, "anybody's guess"),
        ({"keys": [{**EC, "kid": "a"}, {**PUBLIC_EC, "kid": "b"}]}, "secret ones"),
        ({"keys": [{**OCT, "kid": "a"}, OCT]}, "without kid"),
        ({"keys": [{**OCT, "use": "enc"}]}, "use"),
        ({"keys": [{"kty": "AKP"}]}, "not supported"),
        ({"keys": [OCT] * (MAX_KEYS + 1)}, "too large"),
    ],
)
def test_mixed_or_ambiguous_sets_are_refused(jwks: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        KeyRing.from_jwks(jwks)


def test_a_set_of_others_holds_no_secret() -> None:
    for jwk in (OCT, EC):
        with pytest.raises(ConfigurationError, match="secret ones"):
            KeyRing.from_jwks({"keys": [jwk]}, public_only=True)
    assert KeyRing.from_jwks(PUBLIC_EC, public_only=True).algorithms == {"ES256"}


def test_secrets_of_others_are_refused_before_they_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To check one private RSA key takes a good part of a second in which nothing else goes on."""
    made: list[object] = []
    monkeypatch.setattr("zenith.tokens.keyring.key_from_jwk", lambda jwk, **_: made.append(jwk))
    entries = [{**EC, "kid": str(number)} for number in range(MAX_KEYS)]
    with pytest.raises(ConfigurationError, match="secret ones"):
        KeyRing.from_jwks({"keys": entries}, public_only=True, ignore_foreign=True)
    assert made == []


def test_the_owner_names_the_private_key_among_public_ones() -> None:
    pair = [{**EC, "kid": "new"}, {**PUBLIC_EC, "kid": "old"}]
    assert KeyRing.from_jwks({"keys": pair}, signing="new").signing_key(0.0).kid == "new"


def test_expected_algorithms_decide_what_a_key_leaves_open() -> None:
    ring = KeyRing.from_jwks({"keys": [OCT]}, algorithms={"HS384", "ES256"})
    assert ring.algorithms == {"HS384"}
    for expected in ({"HS256", "HS512"}, {"ES256"}):
        with pytest.raises(ConfigurationError, match="alg is missing"):
            KeyRing.from_jwks(OCT, algorithms=expected)
    with pytest.raises(ConfigurationError, match="not among"):
        KeyRing.from_jwks(PUBLIC_EC, algorithms={"EdDSA"})


def test_keys_of_other_uses_may_be_passed_over() -> None:
    foreign = [
        {"kty": "AKP", "kid": "q"},
        {**EC, "kid": "e", "use": "enc"},
        {**EC, "kid": "w", "key_ops": ["wrapKey", "deriveKey"]},
    ]
    ring = KeyRing.from_jwks({"keys": [{**EC, "kid": "s"}, *foreign]}, ignore_foreign=True)
    assert [key.kid for key in ring.keys] == ["s"]
    with pytest.raises(ConfigurationError, match="no key"):
        KeyRing.from_jwks({"keys": foreign}, ignore_foreign=True)
    for faulty in ([], ["verify", "encrypt"], "verify", None):
        with pytest.raises(ConfigurationError, match="key_ops"):
            KeyRing.from_jwks({"keys": [{**EC, "key_ops": faulty}]}, ignore_foreign=True)


def test_secrets_are_never_published() -> None:
    assert KeyRing.from_secret(SECRET).to_jwks() == {"keys": []}
    private = KeyRing([generate_key("EdDSA", kid="a"), generate_key("ES256", kid="b")])
    for jwk in private.to_jwks()["keys"]:
        assert "d" not in jwk


def test_rotation_is_planned_ahead_and_overlaps() -> None:
    ring = KeyRing([hmac("old")])
    old_token = sign_compact({}, hmac("old"))
    new_token = sign_compact({}, hmac("new"))
    ring.rotate(hmac("new"), at=1000.0, overlap=900.0)
    assert ring.version == 1
    assert ring.signing_key(999.9).kid == "old"
    assert ring.signing_key(1000.0).kid == "new"
    assert holds(new_token, ring, 0.0)
    assert holds(old_token, ring, 1899.9)
    assert not holds(old_token, ring, 1900.0)
    ring.rotate(hmac("newer"), at=5000.0, overlap=900.0)
    assert ring.signing_key(4999.0).kid == "new"
    assert ring.signing_key(5000.0).kid == "newer"
    assert ring.prune(1899.0) == 0
    assert ring.version == 2
    assert ring.prune(1900.0) == 1
    assert [key.kid for key in ring.keys] == ["new", "newer"]
    assert ring.signing_key(4999.0).kid == "new"
    with pytest.raises(ConfigurationError, match="no key that signs"):
        ring.signing_key(999.0)


def test_a_key_that_is_known_already_can_be_rotated_to() -> None:
    ring = KeyRing([hmac("old")])
    ring.add(hmac("new"))
    assert ring.signing_key(0.0).kid == "old"
    ring.rotate(hmac("new"), at=10.0, overlap=5.0)
    assert ring.signing_key(10.0).kid == "new"
    ring.rotate(hmac("new"), at=20.0, overlap=5.0)
    assert ring.signing_key(30.0).not_after == float("inf")


def test_a_ring_that_only_verified_can_begin_to_sign() -> None:
    public = public_jwk(generate_key("EdDSA", kid="theirs"))
    assert public is not None
    ring = KeyRing.from_jwks({"keys": [public]})
    ring.rotate(generate_key("EdDSA", kid="ours"), at=10.0, overlap=5.0)
    assert ring.signing_key(10.0).kid == "ours"
    assert {key.not_after for key in ring.keys} == {float("inf")}


def test_rotations_in_the_wrong_order_or_to_public_keys_are_refused() -> None:
    ring = KeyRing([generate_key("EdDSA", kid="a")])
    public = public_jwk(generate_key("EdDSA", kid="b"))
    assert public is not None
    with pytest.raises(ConfigurationError, match="cannot sign"):
        ring.rotate(KeyRing.from_jwks({"keys": [public]}).keys[0], at=1.0, overlap=1.0)
    ring.rotate(generate_key("EdDSA", kid="c"), at=10.0, overlap=1.0)
    with pytest.raises(ConfigurationError, match="later"):
        ring.rotate(generate_key("EdDSA", kid="d"), at=10.0, overlap=1.0)


def test_a_retired_key_is_not_believed() -> None:
    ring = KeyRing([hmac("a"), hmac("b")], signing="b")
    token = sign_compact({}, hmac("a"))
    assert holds(token, ring, 50.0)
    ring.retire("a", at=50.0)
    assert holds(token, ring, 49.0)
    assert not holds(token, ring, 50.0)
    ring.retire("a", at=60.0)
    assert not holds(token, ring, 55.0)
    with pytest.raises(ConfigurationError, match="no key `c`"):
        ring.retire("c", at=50.0)
    ring.retire("b", at=50.0)
    with pytest.raises(ConfigurationError, match="no key that signs"):
        ring.signing_key(50.0)


def test_every_change_counts_and_forgets_headers() -> None:
    ring = KeyRing([hmac("a")])
    assert holds(sign_compact({}, hmac("a")), ring, 0.0)
    assert len(ring.known_headers) == 1
    ring.add(hmac("b"))
    assert ring.version == 1
    assert not ring.known_headers
    ring.remember_header(b"h", {"alg": "HS256"}, hmac("a"))
    assert not ring.known_headers, "a key that is not of this ring"


def test_known_headers_are_bounded() -> None:
    ring = KeyRing([hmac("a")])
    for number in range(MAX_KNOWN_HEADERS + 1):
        ring.remember_header(str(number).encode(), {"alg": "HS256"}, ring.keys[0])
    assert len(ring.known_headers) == 1
