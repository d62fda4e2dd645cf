"""Whatever is drawn: keys are recognised, damaged ones are not, and scopes never add anything."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from zenith.api_keys import KEY_PATTERN, APIKey, is_key
from zenith.api_keys.key_format import DIGITS, LENGTH, holds_key, lookup_of, new_key
from zenith.kernel.keys import digest
from zenith.kernel.permissions import Permissions

words = st.sampled_from(["posts", "users", "read", "write", "own"])
plain = st.lists(words, min_size=1, max_size=3).map(":".join)
patterns = st.one_of(plain, plain.map(lambda text: f"{text}:*"), st.just("*"))
granted = st.frozensets(patterns, max_size=4)


@st.composite
def keys(draw: st.DrawFn) -> str:
    return new_key(lambda below: draw(st.integers(0, below - 1)))


@given(keys())
def test_a_key_is_recognised(key: str) -> None:
    assert len(key) == LENGTH
    assert is_key(key)
    assert re.fullmatch(KEY_PATTERN, key)
    record = APIKey(name="x", key_hash=digest(key), prefix=lookup_of(key))
    assert record.verify_key(key)


@given(keys(), st.integers(0, LENGTH - 1), st.sampled_from(DIGITS))
def test_one_wrong_character_is_seen(key: str, place: int, character: str) -> None:
    damaged = key[:place] + character + key[place + 1 :]
    assert is_key(damaged) is (damaged == key)


@given(keys(), st.integers(3, LENGTH - 2))
def test_two_exchanged_characters_are_seen(key: str, place: int) -> None:
    swapped = key[:place] + key[place + 1] + key[place] + key[place + 2 :]
    assert is_key(swapped) is (swapped == key)


@given(st.text(st.characters(max_codepoint=0x2FF), max_size=80))
def test_any_text_may_be_asked_about(text: str) -> None:
    assert is_key(text) in (True, False)
    record = APIKey(name="x", key_hash=digest("other"), prefix="zk_")
    assert not record.verify_key(text)


@given(st.binary(max_size=120), keys(), st.binary(max_size=20))
def test_a_key_is_found_in_any_query(before: bytes, key: str, after: bytes) -> None:
    edge = b"="
    assert holds_key(before + edge + key.encode() + b"&" + after)


@given(granted, granted, plain)
def test_scopes_never_add_a_permission(held: frozenset[str], scopes: frozenset[str], asked: str):
    owner, key = Permissions(held), Permissions(held).narrowed(scopes)
    wanted = Permissions(scopes)
    assert key.allow(asked) is (owner.allow(asked) and wanted.allow(asked))
    if key.allow_own(asked):
        assert owner.allow_own(asked)
        assert wanted.allow_own(asked)
