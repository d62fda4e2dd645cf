"""What holds of every password."""

from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from zenith.kernel.errors import ZenithError
from zenith.passwords import (
    BreachQuery,
    PasswordHasher,
    PasswordPolicy,
    PasswordSettings,
    UnusableHashError,
    estimate_character_entropy,
    estimate_entropy,
)

ARGON2 = PasswordHasher(PasswordSettings(profile="testing"))
BCRYPT = PasswordHasher(PasswordSettings(algorithm="bcrypt", bcrypt_rounds=4))
PASSWORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=120)
ANYTHING = st.text(max_size=200)
HASH_LIKE = st.builds(
    lambda prefix, rest: prefix + rest,
    st.sampled_from(
        (
            *("$argon2id$v=19$m=8,t=1,p=1$", "$2b$04$", "pbkdf2_sha256$1$", "$zp$k=a", ""),
            *("$scrypt$ln=1,r=1,p=1$", "$bcrypt-sha256$v=2,t=2b,r=4$", "scrypt$2$", "bcrypt$"),
        )
    ),
    st.text("$aA0+/=.,", max_size=80) | ANYTHING,
)


@given(PASSWORDS)
@settings(deadline=None, max_examples=60)
def test_every_password_verifies_in_each_of_its_spellings(password: str) -> None:
    for hasher in (ARGON2, BCRYPT):
        hashed = hasher.hash_sync(password)
        for form in ("NFC", "NFD"):
            verification = hasher.verify_sync(unicodedata.normalize(form, password), hashed)
            assert verification.ok
            assert not verification.needs_rehash


@given(PASSWORDS, PASSWORDS)
@settings(deadline=None, max_examples=60)
def test_no_other_password_does(password: str, other: str) -> None:
    same = unicodedata.normalize("NFC", password) == unicodedata.normalize("NFC", other)
    for hasher in (ARGON2, BCRYPT):
        assert hasher.verify_sync(other, hasher.hash_sync(password)).ok is same


@given(ANYTHING, HASH_LIKE)
@settings(deadline=None, max_examples=100)
def test_no_stored_text_breaks_it(password: str, hashed: str) -> None:
    try:
        verification = ARGON2.verify_sync(password, hashed)
    except UnusableHashError:
        return
    assert not verification.ok


@given(ANYTHING, st.lists(ANYTHING, max_size=4))
@settings(deadline=None, max_examples=150)
def test_no_text_breaks_the_policies(password: str, context: list[str]) -> None:
    for policy in (PasswordPolicy.nist(), PasswordPolicy.guide()):
        result = policy.check(password, context=context)
        assert result.ok is not bool(result.codes)
        if result.ok:
            ARGON2.hash_sync(password)
    try:
        ARGON2.hash_sync(password)
    except ZenithError:
        assert not PasswordPolicy.nist().check(password)


@given(ANYTHING)
@settings(deadline=None, max_examples=100)
def test_words_never_add_bits(password: str) -> None:
    assert 0 <= estimate_entropy(password) <= estimate_character_entropy(password) + 1e-9


@given(ANYTHING, ANYTHING)
def test_no_answer_breaks_the_breach_count(password: str, answer: str) -> None:
    assert BreachQuery.of(password).count_in(answer) >= 0
