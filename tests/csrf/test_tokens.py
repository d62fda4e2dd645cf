from __future__ import annotations

import pytest

from tests.csrf.keys import NEW, OLD
from zenith.csrf.tokens import LENGTH, SIZE, CSRFProtection, CsrfTokens, new_pad
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret

PAD = bytes(range(SIZE))


def test_a_token_holds_for_its_binding_alone():
    tokens = CsrfTokens([NEW])
    token = tokens.issue("session:a", pad=PAD)
    assert len(token) == LENGTH
    assert tokens.verify(token, binding="session:a")
    assert not tokens.verify(token, binding="session:b")
    assert not tokens.verify(token, binding="anonymous:a")


def test_no_two_tokens_for_one_binding_look_alike():
    tokens = CsrfTokens([NEW])
    first, second = (tokens.issue("session:a", pad=new_pad()) for _ in range(2))
    assert first != second
    pieces = [{token[i : i + 6] for i in range(LENGTH - 5)} for token in (first, second)]
    assert not pieces[0] & pieces[1]
    assert tokens.verify(first, binding="session:a")
    assert tokens.verify(second, binding="session:a")


def test_the_first_secret_signs_and_all_verify():
    before = CsrfTokens([OLD]).issue("session:a", pad=PAD)
    rotating = CsrfTokens([NEW, OLD])
    assert rotating.verify(before, binding="session:a")
    after = rotating.issue("session:a", pad=PAD)
    assert CsrfTokens([NEW]).verify(after, binding="session:a")
    assert not CsrfTokens([OLD]).verify(after, binding="session:a")
    assert not CsrfTokens([NEW]).verify(before, binding="session:a")


def test_any_changed_character_spoils_a_token():
    tokens = CsrfTokens([NEW])
    token = tokens.issue("session:a", pad=PAD)
    for index in range(LENGTH - 1):
        other = "A" if token[index] != "A" else "B"
        assert not tokens.verify(token[:index] + other + token[index + 1 :], binding="session:a")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "A" * 85,
        "A" * 87,
        "=" * LENGTH,
        "A" * 80 + "======",
        "+" * LENGTH,
        "é" * LENGTH,
        "\ud800" * LENGTH,
        " " * LENGTH,
        "A" * 40 + "\n" * 6 + "A" * 40,
        "A" * LENGTH,
    ],
)
def test_no_text_breaks_the_verifier(text):
    assert not CsrfTokens([NEW]).verify(text, binding="session:a")


def test_without_a_key_nothing_starts():
    with pytest.raises(ConfigurationError, match="no key"):
        CsrfTokens([])


def test_the_synchronizer_token_of_the_guide():
    protection = CSRFProtection(NEW.reveal())
    token = protection.generate_token()
    assert token != protection.generate_token()
    assert protection.validate_token(token, token)
    assert CSRFProtection(NEW).validate_token(token, token)


def test_a_synchronizer_token_of_another_session_or_key_is_refused():
    protection = CSRFProtection(NEW)
    token, other = protection.generate_token(), protection.generate_token()
    foreign = CSRFProtection(OLD).generate_token()
    assert not protection.validate_token(token, other)
    assert not protection.validate_token(foreign, foreign)


@pytest.mark.parametrize("text", ["", ".", "a", "a.b", ".b", "\ud800.x", "é" * 9])
def test_two_equal_planted_values_are_no_proof(text):
    assert not CSRFProtection(NEW).validate_token(text, text)


@pytest.mark.parametrize("secret", ["short", "a" * 64, "your-secret-key-0123456789-abcdefghijkl"])
def test_a_weak_secret_refuses_the_start(secret):
    with pytest.raises(ConfigurationError, match="secret_key"):
        CSRFProtection(secret)
    with pytest.raises(ConfigurationError):
        CSRFProtection(Secret(secret))
