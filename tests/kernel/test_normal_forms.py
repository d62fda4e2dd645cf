"""Normal forms: those of the library, without its time."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenith.kernel.normal_forms import NormalForm, normalized

FORMS: tuple[NormalForm, ...] = ("NFC", "NFD", "NFKC", "NFKD")
MARKS = (
    "\u0301\u0316\u0327\u0345\u0344\u0340\u0f71\u0f72\u0f74\u0f73\u0f75\u0f81\u0f77\u3099\uff9e\uff9f"
    "\u093c\u094d\u05b0\u0651\u1ab0\u0308\u0338"
)
LETTERS = "ae\u03b1\u1f00\u0f40\u304b\u30cf\uff76\u1100\u1161\u11a8\uac00\ufb2a\ufdfa\xa8\xe5"


@given(st.text(MARKS, min_size=60, max_size=120), st.text(LETTERS + MARKS, max_size=40))
def test_it_is_what_the_library_makes_of_it(marks, text):
    for given_text in (text, f"a{marks}", f"{text}{marks}{text}{marks}", marks):
        for form in FORMS:
            assert normalized(form, given_text) == unicodedata.normalize(form, given_text)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "marks",
    [
        "\u0301\u0316",
        "\u0344\u0316",
        "\u0f73\u0f71",
        "\u0f81\u0f75",
        "\uff9e\u0301",
        "\u0345\u0327",
    ],
)
def test_many_marks_take_no_time(form, marks):
    began = time.process_time()
    for text in (f"a{marks * 50_000}", marks[0] * 50_000 + marks[1] * 50_000):
        normalized(form, text)
    assert time.process_time() - began < 2


def _changes(char: str) -> bool:
    return bool(unicodedata.combining(char) or unicodedata.decomposition(char))


def test_every_character_is_what_it_was():
    every = "".join(filter(_changes, map(chr, range(0x11_0000))))
    assert len(every) > 5000
    for form in FORMS:
        assert normalized(form, every) == unicodedata.normalize(form, every)
