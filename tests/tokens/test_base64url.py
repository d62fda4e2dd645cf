"""Base64url has one spelling for each value."""

from __future__ import annotations

import base64

import pytest

from zenith.tokens.base64url import decode, encode


@pytest.mark.parametrize("size", range(70))
def test_what_is_encoded_decodes(size: int) -> None:
    raw = bytes((i * 37 + size) % 256 for i in range(size))
    text = encode(raw)
    assert text == base64.urlsafe_b64encode(raw).rstrip(b"=")
    assert decode(text) == raw


@pytest.mark.parametrize(
    "text",
    [
        b"A",
        b"AB",
        b"ABC",
        b"AA==",
        b"AA=",
        b"AA A",
        b" AAA",
        b"AAA\n",
        b"++++",
        b"////",
        b"AA.A",
        b"AAAAA",
        b"AAA\x00",
        b"AAA\xff",
        b"?AAA",
        b"AAAA?",
    ],
)
def test_other_spellings_are_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="base64"):
        decode(text)


def test_unused_bits_must_be_zero() -> None:
    accepted = [bytes([65]) + bytes([last]) for last in range(33, 127) if _holds(b"A", last)]
    assert accepted == [b"AA", b"AQ", b"Ag", b"Aw"]


def _holds(first: bytes, last: int) -> bool:
    try:
        decode(first + bytes([last]))
    except ValueError:
        return False
    return True
