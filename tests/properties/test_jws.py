"""Whatever arrives as a token: it verifies as it was signed, or is a TokenError, nothing else."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.tokens.fakes import Time, forge, manager
from zenith.tokens import (
    ALGORITHMS,
    HmacKey,
    KeyRing,
    TokenError,
    generate_key,
    sign_compact,
    verify_claims,
    verify_compact,
)
from zenith.tokens.base64url import decode, encode
from zenith.tokens.json_object import parse_object
from zenith.tokens.refresh import handle_of

KEY = HmacKey(b"k" * 32, kid="k")
RING = KeyRing([KEY])
RINGS = [RING, KeyRing([generate_key("EdDSA", kid="k")]), KeyRing([generate_key("ES256", kid="k")])]
MANAGER = manager(Time())
TOKEN = MANAGER.issue_access("account", session_id="s", roles=["admin"], factors={"password": 1})

NUMBERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False)
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=8)


def judge(token: str, ring: KeyRing = RING) -> object:
    try:
        return verify_compact(token, ring, algorithms=ALGORITHMS)
    except TokenError:
        return None


@given(OBJECTS)
def test_claims_come_back_as_they_were_signed(claims: dict[str, Any]) -> None:
    token = sign_compact(claims, KEY)
    assert verify_claims(token, RING, algorithms=ALGORITHMS)[1] == claims


@given(st.text(st.characters(), max_size=300), st.sampled_from(RINGS))
@example("\ud800.a.b", RING)
@example("..", RING)
def test_any_text_is_judged(text: str, ring: KeyRing) -> None:
    assert judge(text, ring) is None


@given(
    st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=70), st.sampled_from(RINGS)
)
def test_any_three_parts_are_judged(
    head: bytes, body: bytes, signature: bytes, ring: KeyRing
) -> None:
    token = b".".join(encode(part) for part in (head, body, signature)).decode()
    assert judge(token, ring) is None


@given(OBJECTS, OBJECTS | st.binary(max_size=60))
def test_any_signed_header_and_payload_are_judged(
    header: dict[str, Any], payload: dict[str, Any] | bytes
) -> None:
    judge(forge({**header, "alg": "HS256"}, payload, KEY))


@settings(max_examples=100)
@given(st.data())
def test_mutated_tokens_never_verify(data: st.DataObject) -> None:
    characters = st.sampled_from([*"ABab01-_.=+/ \n\0é{"]) | st.characters()
    at = data.draw(st.integers(0, len(TOKEN)))
    until = data.draw(st.integers(at, min(len(TOKEN), at + 3)))
    mutated = TOKEN[:at] + data.draw(st.text(characters, max_size=3)) + TOKEN[until:]
    try:
        MANAGER.verify(mutated)
    except TokenError:
        assert mutated != TOKEN
    else:
        assert mutated == TOKEN


def test_five_thousand_mutated_tokens_never_verify() -> None:
    chance = Random(7519)
    for _ in range(5000):
        characters = list(TOKEN)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(characters))
            match chance.randrange(4):
                case 0:
                    characters[at] = chr(chance.randrange(128))
                case 1:
                    del characters[at]
                case 2:
                    characters.insert(at, chr(chance.randrange(256)))
                case _:
                    other = chance.randrange(len(characters))
                    characters[at], characters[other] = characters[other], characters[at]
        mutated = "".join(characters)
        if mutated != TOKEN:
            with pytest.raises(TokenError):
                MANAGER.verify(mutated)


@given(st.dictionaries(st.sampled_from([*MANAGER.verify(TOKEN)]), VALUES, max_size=4))
def test_signed_tokens_with_strange_claims_are_judged(changes: dict[str, Any]) -> None:
    claims = {**MANAGER.verify(TOKEN), **changes}
    key = MANAGER.keyring.keys[0]
    try:
        accepted = MANAGER.verify(sign_compact(claims, key, typ="at+jwt"))
    except TokenError:
        return
    assert accepted == claims


@given(st.binary(max_size=80))
def test_base64url_has_one_spelling(text: bytes) -> None:
    try:
        raw = decode(text)
    except ValueError:
        return
    assert encode(raw) == text


@given(OBJECTS, st.booleans(), st.booleans())
def test_json_is_read_as_the_standard_library_reads_it(
    document: dict[str, Any], spaced: bool, escaped: bool
) -> None:
    raw = json.dumps(document, indent=1 if spaced else None, ensure_ascii=escaped).encode()
    assert parse_object(raw) == json.loads(raw)


@given(OBJECTS.filter(bool), st.data())
def test_a_doubled_member_is_always_found(document: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(document)))
    gap = data.draw(st.sampled_from(["", " ", "\t", "\n"]))
    doubled = f"{json.dumps(name)}{gap}:{json.dumps(data.draw(VALUES))}"
    text = json.dumps(document)
    raw = f"{text[:-1]},{doubled}}}".encode()
    try:
        parse_object(raw)
    except ValueError:
        return
    raise AssertionError(raw)


@given(st.text(st.characters(), max_size=100))
def test_any_text_is_judged_as_a_refresh_token(text: str) -> None:
    try:
        handle_of(text)
    except TokenError:
        return
    assert len(text) == 70
