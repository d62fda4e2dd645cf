"""Messages between processes: whatever is not exactly as it is written is ignored."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenith.authentication.store import Revocation
from zenith.stores.redis.revocations import BATCH, LATEST, MAX_KEY, MAX_MESSAGE, decode, encode

GOOD = ["token", "k", 1.0, 2.0]
REVOCATIONS = st.builds(
    Revocation,
    kind=st.sampled_from(["token", "session", "subject"]),
    key=st.text(min_size=1, max_size=50),
    at=st.floats(0, LATEST),
    until=st.floats(0, LATEST),
)


@given(st.lists(REVOCATIONS, max_size=20))
def test_what_is_encoded_is_decoded(revocations: list[Revocation]) -> None:
    assert decode(encode(revocations)) == revocations
    assert decode(encode(revocations).encode()) == revocations


@pytest.mark.parametrize(
    "item",
    [
        [],
        ["token", "k", 1.0],
        ["token", "k", 1.0, 2.0, 3.0],
        ["Token", "k", 1.0, 2.0],
        ["other", "k", 1.0, 2.0],
        [1, "k", 1.0, 2.0],
        ["token", "", 1.0, 2.0],
        ["token", 7, 1.0, 2.0],
        ["token", "k" * (MAX_KEY + 1), 1.0, 2.0],
        ["token", "k", "1", 2.0],
        ["token", "k", None, 2.0],
        ["token", "k", True, 2.0],
        ["token", "k", 1.0, False],
        ["token", "k", -1.0, 2.0],
        ["token", "k", 1.0, 1e300],
        ["token", "k", float("nan"), 2.0],
        ["token", "k", 1.0, float("inf")],
        {"kind": "token"},
        "token",
        None,
    ],
)
def test_a_malformed_item_spoils_its_message(item: object) -> None:
    assert decode(json.dumps([GOOD])) != []
    assert decode(json.dumps([GOOD, item])) == []


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xff\xfe",
        b"{}",
        b"[",
        b"null",
        b"[" * 200_000,
        b'"' + b"a" * MAX_MESSAGE + b'"',
        json.dumps([GOOD] * (BATCH + 1)),
        7,
        None,
    ],
)
def test_a_malformed_message_is_nothing(message: object) -> None:
    assert decode(message) == []


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_bytes_are_survived(message: bytes | str) -> None:
    assert isinstance(decode(message), list)
