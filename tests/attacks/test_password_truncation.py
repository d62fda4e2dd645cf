"""The attack: bcrypt looks at 72 bytes, and some programs stop at a NUL.

Whoever knows, or sets, the beginning of a long password then opens every account whose password
begins alike.
"""

from __future__ import annotations

import bcrypt
import pytest

from zenith.passwords import PasswordHasher, PasswordSettings, Verification

BEGINNING = "x" * 72


def hasher(**changes: bool) -> PasswordHasher:
    return PasswordHasher(PasswordSettings(algorithm="bcrypt", bcrypt_rounds=4, **changes))


@pytest.mark.parametrize("tail", ["", "b", "a" * 100])
def test_what_stands_after_72_bytes_counts(tail: str) -> None:
    hashed = hasher().hash_sync(BEGINNING + "a")
    assert hashed.startswith("$bcrypt-sha256$v=2,t=2b,r=4$")
    assert hasher().verify_sync(BEGINNING + "a", hashed) == Verification(ok=True)
    assert not hasher().verify_sync(BEGINNING + tail, hashed)


@pytest.mark.parametrize("other", ["secret", "secret\0", "secret\0b", "secret\0ab"])
def test_what_stands_after_a_nul_counts(other: str) -> None:
    hashed = hasher().hash_sync("secret\0a")
    assert hashed.startswith("$bcrypt-sha256$")
    assert hasher().verify_sync("secret\0a", hashed) == Verification(ok=True)
    assert not hasher().verify_sync(other, hashed)


def test_a_cut_cannot_be_made_through_several_bytes_of_a_character() -> None:
    password = "x" * 71 + "é"
    hashed = hasher().hash_sync(password)
    assert hasher().verify_sync(password, hashed)
    assert not hasher().verify_sync("x" * 71 + "è", hashed)


def test_a_short_password_is_not_found_by_a_long_one() -> None:
    hashed = hasher().hash_sync(BEGINNING)
    assert hashed.startswith("$2b$")
    assert hasher().verify_sync(BEGINNING, hashed)
    assert not hasher().verify_sync(BEGINNING + "a", hashed)


def test_a_refused_long_password_costs_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[bytes] = []
    monkeypatch.setattr(bcrypt, "checkpw", lambda secret, _: calls.append(secret) or True)
    hashed = hasher().hash_sync("short")
    assert not hasher().verify_sync(BEGINNING + "a", hashed)
    assert calls == [BEGINNING.encode()]


def test_hashes_that_others_cut_are_taken_only_by_name_and_renewed() -> None:
    foreign = bcrypt.hashpw(BEGINNING.encode(), bcrypt.gensalt(4)).decode()
    assert not hasher().verify_sync(BEGINNING + "abc", foreign)
    loose = hasher(accept_truncated_bcrypt=True)
    verification, renewed = loose.verify_and_update_sync(BEGINNING + "abc", foreign)
    assert verification == Verification(ok=True, needs_rehash=True)
    assert renewed is not None
    assert not loose.verify_sync(BEGINNING + "xyz", renewed)
    assert not loose.verify_sync("y" * 80, foreign)
