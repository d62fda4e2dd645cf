"""Private keys at rest open in their place, under their secret, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tokens.fakes import OTHER_SECRET, SECRET
from zenith.kernel.errors import ConfigurationError
from zenith.tokens import KeyRing, generate_key
from zenith.tokens.jwk import key_from_jwk, public_jwk
from zenith.tokens.sealing import KeySealer

PLACE: dict[str, Any] = {"kid": "k", "algorithm": "EdDSA", "generation": 3}
KEY = generate_key("EdDSA", kid="k")
SEALED = KeySealer([SECRET]).seal(KEY, generation=3)


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256", "PS256"])
def test_what_is_sealed_opens(algorithm: str) -> None:
    key = generate_key(algorithm, kid="k")
    sealed = KeySealer([SECRET]).seal(key, generation=1)
    opened = KeySealer([OTHER_SECRET, SECRET]).open(
        sealed, kid="k", algorithm=algorithm, generation=1
    )
    assert key.verify(b"m", opened.sign(b"m"))
    assert opened.algorithm == algorithm


def test_the_same_key_is_never_sealed_alike() -> None:
    assert KeySealer([SECRET]).seal(KEY, generation=3) != SEALED


@pytest.mark.parametrize("change", [{"kid": "x"}, {"algorithm": "ES256"}, {"generation": 4}])
def test_another_place_does_not_open_it(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="cannot be decrypted"):
        KeySealer([SECRET]).open(SEALED, **{**PLACE, **change})


def test_another_secret_does_not_open_it() -> None:
    with pytest.raises(ConfigurationError, match="cannot be decrypted"):
        KeySealer([OTHER_SECRET]).open(SEALED, **PLACE)


def test_a_changed_text_does_not_open() -> None:
    changed = SEALED[:30] + ("A" if SEALED[30] != "A" else "B") + SEALED[31:]
    with pytest.raises(ConfigurationError, match="cannot be decrypted"):
        KeySealer([SECRET]).open(changed, **PLACE)


def test_only_private_keys_are_kept() -> None:
    public = key_from_jwk(public_jwk(KEY) or {})
    for key in (public, KeyRing.from_secret(SECRET).keys[0]):
        with pytest.raises(ConfigurationError, match="no private part"):
            KeySealer([SECRET]).seal(key, generation=1)


def test_a_key_of_another_kind_than_it_says_is_refused() -> None:
    key = generate_key("ES256", kid="k")
    key.algorithm = "RS256"
    sealed = KeySealer([SECRET]).seal(key, generation=1)
    with pytest.raises(ConfigurationError, match="not for RS256"):
        KeySealer([SECRET]).open(sealed, kid="k", algorithm="RS256", generation=1)
