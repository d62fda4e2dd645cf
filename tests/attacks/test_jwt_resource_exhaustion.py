"""A small token that costs the server much: deep nesting, huge numbers, many headers, long text.

Parsers recurse until the stack ends, convert digits in quadratic time, and caches that keep what
anybody sends grow without end or drop what is needed (ASVS 15.1.3).
"""

from __future__ import annotations

import time

import pytest

from tests.tokens.fakes import Time, exchange, forge, manager, revocation_list
from zenith.tokens import (
    ALGORITHMS,
    BearerScheme,
    HmacKey,
    KeyRing,
    TokenError,
    verify_compact,
)

KEY = HmacKey(b"k" * 32, kid="k")
STRANGER = HmacKey(b"s" * 32, kid="k")
BOMBS = [
    b"[" * 5000,
    b'{"a":' * 1100,
    b'{"a":' + b"[" * 2900 + b"]" * 2900 + b"}",
    b'{"a":' + b"9" * 5500 + b"}",
    b'{"a":1e' + b"9" * 5500 + b"}",
    b'{"a":"' + b"\\" * 5000,
    b'{"a" :"' + b':"' * 1000 + b'"}',
    b"{" + b",".join(b'"%d":0' % number for number in range(650)) + b"}",
]


@pytest.mark.parametrize("bomb", BOMBS, ids=range(len(BOMBS)))
@pytest.mark.parametrize("place", ["header", "payload", "signed payload"])
def test_bombs_are_cheap(bomb: bytes, place: str) -> None:
    header = bomb if place == "header" else {"alg": "HS256"}
    payload = b"{}" if place == "header" else bomb
    token = forge(header, payload, KEY if place == "signed payload" else STRANGER)
    ring = KeyRing([KEY])
    began = time.process_time()
    for _ in range(20):
        try:
            verify_compact(token, ring, algorithms=ALGORITHMS)
        except TokenError:
            continue
        assert place == "signed payload"
    assert (time.process_time() - began) / 20 < 0.005


async def test_rubbish_neither_fills_nor_empties_the_caches() -> None:
    clock = Time()
    tokens = manager(clock)
    scheme = BearerScheme(tokens, revocation_list(clock))

    async def present(token: str) -> object:
        return await scheme.authenticate(exchange((b"authorization", b"Bearer " + token.encode())))

    good = tokens.issue_access("account")
    principal = await present(good)
    kid = tokens.keyring.keys[0].kid
    for number in range(500):
        with pytest.raises(TokenError):
            await present(forge({"alg": "HS256", "kid": kid, "n": str(number)}, {}, STRANGER))
    assert await present(good) is principal
    assert len(scheme._cache) == 1
    assert len(tokens.keyring.known_headers) == 1
