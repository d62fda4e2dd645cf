from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenith.accounts import InvalidEmailError, canonical_email


@pytest.mark.parametrize(
    ("text", "shown", "key"),
    [
        ("Ada@Example.ORG", "Ada@example.org", "ada@example.org"),
        ("  ada@example.org ", "ada@example.org", "ada@example.org"),
        ("stra\u00dfe@example.org", "stra\u00dfe@example.org", "strasse@example.org"),
        ("a+tag@example.org", "a+tag@example.org", "a+tag@example.org"),
    ],
)
def test_one_spelling_per_mailbox(text, shown, key):
    assert canonical_email(text) == (shown, key)


@pytest.mark.parametrize(
    "text", ["", "ada", "ada@", "@exa.mple.org", "a b@example.org", "a\x00@example.org", "a" * 300]
)
def test_what_is_no_address_is_refused_without_repeating_it(text):
    with pytest.raises(InvalidEmailError) as caught:
        canonical_email(text)
    (fault,) = caught.value.errors
    assert fault["loc"] == ["body", "email"]
    assert fault["msg"] == caught.value.detail
    assert not text or text not in str(caught.value)


@given(st.text(max_size=300))
def test_any_text_is_an_address_or_refused(text):
    try:
        shown, key = canonical_email(text)
    except InvalidEmailError:
        return
    assert canonical_email(shown)[1] == key
