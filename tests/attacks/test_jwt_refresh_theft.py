"""A refresh token is copied, and thief and owner both use it.

Whoever comes second shows a spent token. Then nobody may go on, or the thief stays signed in for as
long as he refreshes (RFC 9700 section 4.14.2, ASVS 10.4.5). Nor may the copy be worth anything at
rest, or let anybody compute the next token.
"""

from __future__ import annotations

import pytest

from tests.tokens.fakes import SECRET, MemoryFamilies, Time, manager
from zenith.kernel.keys import digest
from zenith.tokens import RefreshTokens, TokenError, TokenReusedError
from zenith.tokens.refresh import successor_of


def make() -> tuple[RefreshTokens, MemoryFamilies, Time]:
    time, store = Time(), MemoryFamilies()
    return RefreshTokens(store, SECRET, clock=time), store, time


@pytest.mark.parametrize("first", ["thief", "owner"])
async def test_whoever_comes_second_ends_it_for_both(first: str) -> None:
    tokens, _, time = make()
    stolen = (await tokens.start(session_id="s", account_id="a")).token
    winner = (await tokens.rotate(stolen)).token
    time.now += 60
    with pytest.raises(TokenReusedError):
        await tokens.rotate(stolen)
    with pytest.raises(TokenError) as caught:
        await tokens.rotate(winner)
    assert caught.value.fault == "revoked", f"the {first} goes on"


async def test_the_database_is_of_no_use() -> None:
    tokens, store, _ = make()
    token = (await tokens.start(session_id="s", account_id="a")).token
    family = store.families["s"]
    kept = repr(family) + family.current + family.handle
    assert token not in kept
    assert token[3:27] not in kept
    for text in (family.current, family.handle, "zr_" + family.current[:67]):
        with pytest.raises(TokenError):
            await tokens.rotate(text)


async def test_the_next_token_cannot_be_computed_without_the_server_key() -> None:
    tokens, store, time = make()
    token = (await tokens.start(session_id="s", account_id="a")).token
    guess = successor_of(token, digest(token).encode())
    await tokens.rotate(token)
    time.now += 60
    with pytest.raises(TokenError):
        await tokens.rotate(guess)
    assert store.revoked == {"s"}, "the guess shows that the handle is in wrong hands"


async def test_refresh_and_access_tokens_are_never_exchanged() -> None:
    tokens, _, time = make()
    access = manager(time)
    refresh = (await tokens.start(session_id="s", account_id="a")).token
    with pytest.raises(TokenError):
        access.verify(refresh)
    with pytest.raises(TokenError):
        await tokens.rotate(access.issue_access("a"))
    with pytest.raises(TokenError):
        await tokens.rotate(access.issue("refresh", {"sub": "a"}))
