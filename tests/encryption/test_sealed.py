from __future__ import annotations

import pytest

from zenith.encryption import DecryptionError, sealed

VALUE = bytes(range(61))


@pytest.mark.parametrize("length", [41, 42, 43, 44])
def test_the_text_form_is_url_safe_and_comes_back(length):
    text = sealed.to_text(VALUE[:length], "tag")
    assert text.startswith("tagze1.")
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    assert sealed.from_text(text) == ("tag", VALUE[:length])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ze1",
        "ze1.",
        "ze1.A",
        "ze1.AB",
        "ze1.AAAAA",
        "ze1.AA==",
        "ze1.A+/A",
        "ze1.AA A",
        "ze1.AAAé",
        "A" * 44 + "ze1.AAAA",
        "plain text",
        "ze1." + "A" * sealed.MAX_TEXT,
    ],
)
def test_other_texts_are_refused(text):
    with pytest.raises(DecryptionError):
        sealed.from_text(text)
