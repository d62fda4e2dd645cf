from __future__ import annotations

import math

import pytest

from zenith.passwords import estimate_character_entropy, estimate_entropy
from zenith.passwords.dictionary import Dictionary


@pytest.mark.parametrize(
    ("password", "alphabet"),
    [
        ("kvqmzplw", 26),
        ("KVQMZPLW", 26),
        ("kVqMzPlW", 52),
        ("kVqMz9lW", 62),
        ("kVqMz9l#", 95),
        ("9273650", 10),
        ("kvqmzpłw", 126),
    ],
)
def test_random_text_is_worth_its_characters(password: str, alphabet: int) -> None:
    expected = len(password) * math.log2(alphabet)
    assert estimate_character_entropy(password) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("password", "most"),
    [
        ("", 0),
        ("aaaaaaaaaaaaaaaaaaaa", 12),
        ("abababababababababab", 20),
        ("abcdefghijklmnopqrst", 12),
        ("zyxwvutsrq", 12),
        ("0123456789", 10),
        ("qwertyuiop", 10),
        ("poiuytrewq", 10),
        ("1qaz2wsx3edc", 10),
        ("20240229", 16),
        ("29.02.2024", 16),
        ("1999", 8),
        ("kvq9kvq9kvq9kvq9", 25),
    ],
)
def test_patterns_are_worth_little(password: str, most: float) -> None:
    assert estimate_character_entropy(password) <= most


@pytest.mark.parametrize(
    ("password", "least", "most"),
    [
        ("password", 0, 4),
        ("PASSWORD", 0, 4),
        ("drowssap", 0, 14),
        ("p4$$w0rd", 0, 6),
        ("pAsSwOrD", 5, 10),
        ("internationalization", 5, 18),
        ("correct horse battery staple", 40, 80),
        ("SecurePassword123!", 20, 35),
    ],
)
def test_words_are_worth_their_rank(password: str, least: float, most: float) -> None:
    assert least <= estimate_entropy(password) <= most
    assert estimate_entropy(password) <= estimate_character_entropy(password)


def test_extra_words() -> None:
    assert estimate_entropy("zqvxkjwp", extra={"zqvxkjwp": 1.0}) == 1.0
    assert estimate_entropy("zqvxkjwp") > 30


def test_a_dictionary_of_ones_own() -> None:
    own = Dictionary(common=["first", "zqvxkjwp"])
    assert estimate_entropy("zqvxkjwp", dictionary=own) == 1.0


def test_letters_whose_lower_case_is_longer_keep_their_place() -> None:
    assert estimate_entropy("\u0130password\u0130") < 30
