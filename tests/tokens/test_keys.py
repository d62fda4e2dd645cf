"""Keys have one algorithm, enough strength, and hide."""

from __future__ import annotations

import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from zenith.kernel.errors import ConfigurationError
from zenith.tokens import ALGORITHMS, EcKey, Ed25519Key, HmacKey, Key, RsaKey, generate_key

RSA_2048 = rsa.generate_private_key(65_537, 2048)


def make(algorithm: str) -> Key:
    if algorithm[:2] in ("RS", "PS"):
        return RsaKey(RSA_2048, kid="k", algorithm=algorithm)
    return generate_key(algorithm, kid="k")


def public(key: Key) -> Key:
    assert isinstance(key, RsaKey | EcKey | Ed25519Key)
    return type(key)(key.public, kid="k", algorithm=key.algorithm)  # type: ignore[arg-type]


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_signatures_hold_for_their_message_only(algorithm: str) -> None:
    key = make(algorithm)
    signature = key.sign(b"message")
    verifier = key if key.symmetric else public(key)
    assert verifier.verify(b"message", signature)
    assert not verifier.verify(b"massage", signature)
    for wrong in (b"", signature[:-1], signature + b"\0", b"\0" * len(signature)):
        assert not verifier.verify(b"message", wrong)
    flipped = bytes([signature[0] ^ 1]) + signature[1:]
    assert not verifier.verify(b"message", flipped)


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS - {"HS256", "HS384", "HS512"}))
def test_a_public_key_cannot_sign(algorithm: str) -> None:
    key = public(make(algorithm))
    assert not key.can_sign
    with pytest.raises(ConfigurationError, match="no private part"):
        key.sign(b"message")


@pytest.mark.parametrize(("algorithm", "size"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_symmetric_keys_are_as_long_as_their_hash(algorithm: str, size: int) -> None:
    assert HmacKey(b"k" * size, kid="k", algorithm=algorithm).can_sign
    with pytest.raises(ConfigurationError, match=f"{size * 8} bits"):
        HmacKey(b"k" * (size - 1), kid="k", algorithm=algorithm)


def test_weak_and_absurd_rsa_keys_are_refused() -> None:
    small = rsa.RSAPublicNumbers(65_537, 2**1023 + 1).public_key()
    with pytest.raises(ConfigurationError, match="1024 bits"):
        RsaKey(small, kid="k")
    huge = rsa.RSAPublicNumbers(65_537, 2**8199 + 1).public_key()
    with pytest.raises(ConfigurationError, match="8200 bits"):
        RsaKey(huge, kid="k")
    three = rsa.RSAPublicNumbers(3, RSA_2048.public_key().public_numbers().n).public_key()
    with pytest.raises(ConfigurationError, match="exponent"):
        RsaKey(three, kid="k")


@pytest.mark.parametrize(("r", "s"), [(0, 0), (0, 1), (1, 0), ("n", 1), (1, "n"), ("n", "n")])
def test_ecdsa_numbers_out_of_range_never_verify(r: int | str, s: int | str) -> None:
    key = make("ES256")
    order = ec.SECP256R1().group_order
    numbers = [order if number == "n" else int(number) for number in (r, s)]
    assert not key.verify(b"message", b"".join(n.to_bytes(32, "big") for n in numbers))


def test_an_algorithm_belongs_to_its_kind_of_key() -> None:
    with pytest.raises(ConfigurationError, match="RS256"):
        HmacKey(b"k" * 64, kid="k", algorithm="RS256")
    with pytest.raises(ConfigurationError, match="HS256"):
        RsaKey(RSA_2048, kid="k", algorithm="HS256")
    with pytest.raises(ConfigurationError, match="curve"):
        EcKey(ec.generate_private_key(ec.SECP384R1()), kid="k", algorithm="ES256")
    with pytest.raises(ConfigurationError, match="none"):
        Ed25519Key(Ed25519PrivateKey.generate(), kid="k", algorithm="none")
    with pytest.raises(ConfigurationError, match="none"):
        generate_key("none")


@pytest.mark.parametrize("kid", ["", "a\nb", "k" * 257])
def test_odd_key_ids_are_refused(kid: str) -> None:
    with pytest.raises(ConfigurationError, match="key id"):
        HmacKey(b"k" * 32, kid=kid)


def test_keys_are_generated_with_ids_of_their_own() -> None:
    assert generate_key("HS256").kid != generate_key("HS256").kid
    generated = generate_key("RS256")
    assert isinstance(generated, RsaKey)
    assert generated.public.key_size == 3072


def test_keys_hide() -> None:
    key = HmacKey(b"very secret key material of 32 b", kid="shown")
    assert repr(key) == "HmacKey(kid='shown', algorithm='HS256')"
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(key)


def test_a_key_within_a_time_is_a_copy() -> None:
    key = make("HS256")
    bounded = key.within(1.0, 2.0)
    assert (bounded.not_before, bounded.not_after) == (1.0, 2.0)
    assert key.not_after == float("inf")
    assert bounded.verify(b"m", key.sign(b"m"))
