"""The token brings its own key, or names one that is not its own.

Headers such as `jwk`, `jku`, `x5u` and `x5c` offer a key, and `kid` may point at a file, a query or
another tenant's key. A verifier that follows any of them verifies the attacker's signature with the
attacker's key (RFC 8725 sections 2.10, 3.10; ASVS 9.1.3).
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.tokens.fakes import forge
from zenith.tokens import ALGORITHMS, HmacKey, KeyRing, TokenError, generate_key, verify_compact
from zenith.tokens.jwk import public_jwk

TRUSTED = generate_key("EdDSA", kid="trusted")
ATTACKER = generate_key("EdDSA", kid="trusted")
ATTACKER_JWK = public_jwk(ATTACKER)


def refused(header: dict[str, Any], ring: KeyRing | None = None, key: Any = ATTACKER) -> str:
    with pytest.raises(TokenError) as caught:
        verify_compact(forge(header, {}, key), ring or KeyRing([TRUSTED]), algorithms=ALGORITHMS)
    return caught.value.fault


@pytest.mark.parametrize(
    "offer",
    [
        {"jwk": ATTACKER_JWK},
        {"jwk": None},
        {"jku": "https://attacker.example/jwks.json"},
        {"x5u": "https://attacker.example/chain.pem"},
        {"x5c": ["MIIB"]},
    ],
)
@pytest.mark.parametrize("signer", [ATTACKER, TRUSTED], ids=["attacker", "trusted"])
def test_offered_keys_are_refused_whoever_signed(offer: dict[str, Any], signer: Any) -> None:
    assert refused({"alg": "EdDSA", "kid": "trusted", **offer}, key=signer) == "bad_header"


@pytest.mark.parametrize(
    "kid",
    [
        "",
        "/dev/null",
        "../../../../etc/passwd",
        "x' UNION SELECT 'key' --",
        "https://attacker.example/key",
        "trusted\0",
        "trusted ",
        "TRUSTED",
        "__class__",
        "0",
    ],
)
def test_key_ids_are_looked_up_and_nothing_else(kid: str) -> None:
    assert refused({"alg": "EdDSA", "kid": kid}) == "unknown_key"


@pytest.mark.parametrize("kid", [None, 0, True, [], ["trusted"], {"trusted": 1}, 1.5])
def test_key_ids_are_text(kid: Any) -> None:
    assert refused({"alg": "EdDSA", "kid": kid}) == "bad_header"


def test_the_right_id_does_not_help_the_wrong_key() -> None:
    assert refused({"alg": "EdDSA", "kid": "trusted"}) == "bad_signature"


def test_another_key_of_the_ring_is_not_tried() -> None:
    first, second = HmacKey(b"1" * 32, kid="1"), HmacKey(b"2" * 32, kid="2")
    ring = KeyRing([first, second], signing="1")
    assert refused({"alg": "HS256", "kid": "1"}, ring, second) == "bad_signature"
    assert refused({"alg": "HS256"}, ring, first) == "unknown_key"


def test_a_thumbprint_of_a_certificate_is_not_followed() -> None:
    assert refused({"alg": "EdDSA", "kid": "trusted", "x5t": "AAAA"}) == "bad_signature"
