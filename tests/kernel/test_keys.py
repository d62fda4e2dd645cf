from __future__ import annotations

import base64
import hashlib
import hmac
import pickle

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import (
    PLACEHOLDERS,
    Secret,
    b64encode,
    check_strength,
    derive,
    digest,
    equal,
    new_id,
    new_token,
    sign,
)

STRONG = "kX9v-2mQ7tR4wZ1yB6nC8pL3sD5fG0hJ"


def test_a_secret_never_shows_itself():
    secret = Secret(STRONG)
    for text in (repr(secret), str(secret), f"{secret}", repr([secret]), f"{secret!r:>40}"):
        assert STRONG not in text
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(AttributeError):
        secret.__dict__  # noqa: B018
    assert secret.reveal() == STRONG


def test_secrets_compare_by_value():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert Secret("a")
    assert not Secret("")


def test_a_strong_key_passes():
    check_strength(Secret(STRONG), setting="KEY")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "256 bits"),
        (STRONG[:31], "256 bits"),
        ("ab" * 32, "distinct"),
        ("0123456789abcde" * 3, "distinct"),
        *((f"{STRONG}-{word.upper()}", "placeholder") for word in PLACEHOLDERS),
    ],
)
def test_a_weak_key_refuses_the_start_without_being_shown(value, problem):
    with pytest.raises(ConfigurationError, match=problem) as caught:
        check_strength(Secret(value), setting="ZENITH_KEY")
    assert "ZENITH_KEY" in str(caught.value)
    assert not value or value not in str(caught.value)


def test_bytes_count_and_not_characters():
    check_strength(Secret("äöüÄÖÜßéèêáàâíìî"), setting="KEY")


def test_a_key_serves_one_purpose():
    secret = Secret(STRONG)
    assert derive(secret, "csrf") == derive(secret, "csrf")
    assert derive(secret, "csrf") != derive(secret, "tokens")
    assert derive(secret, "csrf") != derive(Secret(STRONG[::-1]), "csrf")
    assert (len(derive(secret, "csrf")), len(derive(secret, "x", 64))) == (32, 64)


def test_derivation_is_hkdf():
    """RFC 5869 with an empty salt: extract, then expand."""
    extracted = hmac.digest(b"\x00" * 32, STRONG.encode(), "sha256")
    expected = hmac.digest(extracted, b"zenith/p\x01", "sha256")
    assert derive(Secret(STRONG), "p") == expected


def test_random_values():
    assert len({new_token() for _ in range(100)}) == 100
    assert len(base64.urlsafe_b64decode(new_token() + "=")) == 32
    assert len(new_token(16)) == 22
    assert len({new_id() for _ in range(100)}) == 100
    assert len(bytes.fromhex(new_id())) == 16


def test_digests_and_signatures():
    assert digest("a") == hashlib.sha256(b"a").hexdigest()
    expected = base64.urlsafe_b64encode(hmac.digest(b"k", b"m", "sha256")).decode().rstrip("=")
    assert sign(b"k", "m") == expected
    assert b64encode(b"\xfb\xff") == "-_8"


@pytest.mark.parametrize("text", ["\ud800", "é", "\x00", ""])
def test_text_from_outside_breaks_nothing(text):
    assert digest(text)
    assert sign(b"k", text)
    assert equal(text, text)
    assert not equal(text, text + "x")
