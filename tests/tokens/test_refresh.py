"""Refresh tokens: strict rotation that two tabs survive."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.tokens.fakes import OTHER_SECRET, SECRET, MemoryFamilies, Time
from zenith.kernel.errors import ConfigurationError, ConflictError
from zenith.kernel.keys import Secret, digest
from zenith.tokens import (
    RefreshStore,
    RefreshTokens,
    TokenError,
    TokenReusedError,
    TokenSettings,
)
from zenith.tokens.refresh import handle_of, successor_of


def make(
    time: Time | None = None,
    secrets: Any = SECRET,
    store: MemoryFamilies | None = None,
    **more: Any,
) -> tuple[RefreshTokens, MemoryFamilies, Time]:
    time = time or Time()
    store = store or MemoryFamilies()
    settings = TokenSettings(**more)
    return RefreshTokens(store, secrets, settings=settings, clock=time), store, time


async def begin(tokens: RefreshTokens, session: str = "s") -> str:
    return (await tokens.start(session_id=session, account_id="a")).token


async def fault(tokens: RefreshTokens, token: str) -> str:
    with pytest.raises(TokenError) as caught:
        await tokens.rotate(token)
    return caught.value.fault


def test_the_fake_keeps_the_protocol() -> None:
    assert isinstance(MemoryFamilies(), RefreshStore)


async def test_a_family_begins() -> None:
    tokens, store, time = make()
    grant = await tokens.start(session_id="session", account_id="account")
    assert grant.token.startswith("zr_")
    assert len(grant.token) == 70
    assert (grant.family_id, grant.account_id, grant.replayed) == ("session", "account", False)
    assert grant.expires_at == time.now + 7 * 86_400
    assert grant.token not in repr(grant)
    family = store.families["session"]
    assert family.current == digest(grant.token)
    assert grant.token not in repr(family)
    assert "MemoryFamilies" in repr(tokens)
    with pytest.raises(ConflictError):
        await tokens.start(session_id="session", account_id="account")


async def test_each_use_gives_another_token() -> None:
    tokens, _, time = make()
    seen = [await begin(tokens)]
    for _ in range(5):
        time.now += 60
        grant = await tokens.rotate(seen[-1])
        assert not grant.replayed
        assert (grant.family_id, grant.account_id) == ("s", "a")
        seen.append(grant.token)
    assert len(set(seen)) == 6
    assert len({handle_of(token) for token in seen}) == 1


async def test_concurrent_presenters_get_the_same_successor() -> None:
    tokens, _, _ = make()
    token = await begin(tokens)
    grants = await asyncio.gather(*(tokens.rotate(token) for _ in range(20)))
    assert len({grant.token for grant in grants}) == 1
    assert sorted(grant.replayed for grant in grants) == [False] + [True] * 19
    await tokens.rotate(grants[0].token)


async def test_a_lost_answer_can_be_asked_for_again_within_the_grace() -> None:
    tokens, _, time = make()
    token = await begin(tokens)
    first = await tokens.rotate(token)
    time.now += 10
    again = await tokens.rotate(token)
    assert (again.token, again.replayed) == (first.token, True)


async def test_reuse_after_the_grace_revokes_the_family() -> None:
    tokens, _, time = make()
    token = await begin(tokens)
    current = (await tokens.rotate(token)).token
    time.now += 10.1
    with pytest.raises(TokenReusedError) as caught:
        await tokens.rotate(token)
    assert (caught.value.family_id, caught.value.account_id) == ("s", "a")
    assert await fault(tokens, current) == "revoked"


async def test_reuse_of_an_older_token_revokes_at_once() -> None:
    tokens, _, _ = make()
    first = await begin(tokens)
    second = (await tokens.rotate(first)).token
    third = (await tokens.rotate(second)).token
    assert await fault(tokens, first) == "reused"
    assert await fault(tokens, third) == "revoked"


async def test_without_grace_the_second_presenter_is_a_thief() -> None:
    tokens, _, time = make(refresh_grace=0.0)
    token = await begin(tokens)
    await tokens.rotate(token)
    time.now += 0.001
    assert await fault(tokens, token) == "reused"


async def test_a_stranger_cannot_revoke_a_family() -> None:
    tokens, store, _ = make()
    token = await begin(tokens)
    forged = "zr_" + "A" * 24 + token[27:]
    assert await fault(tokens, forged) == "unknown_token"
    assert not store.revoked


async def test_a_family_ends_however_often_it_was_rotated() -> None:
    tokens, _, time = make(refresh_lifetime=3600.0)
    token = await begin(tokens)
    for _ in range(3):
        time.now += 1000
        token = (await tokens.rotate(token)).token
    time.now += 600
    assert await fault(tokens, token) == "expired"
    assert await tokens.prune() == 1
    assert await fault(tokens, token) == "unknown_token"


async def test_families_are_revoked_one_or_all() -> None:
    tokens, _, _ = make()
    first, second, third = [await begin(tokens, name) for name in ("1", "2", "3")]
    assert await tokens.revoke_family("1")
    assert not await tokens.revoke_family("1")
    assert await fault(tokens, first) == "revoked"
    assert await tokens.revoke_account("a", keep="2") == 1
    await tokens.rotate(second)
    assert await fault(tokens, third) == "revoked"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "zr_",
        "zr_" + "a" * 66,
        "zr_" + "a" * 68,
        "zr_" + "a" * 66 + "=",
        "zr_" + "a" * 66 + "\n",
        "zr_" + "a" * 67 + "\n",
        "zk_" + "a" * 67,
        "zr_" + "ü" * 67,
        "ZR_" + "a" * 67,
        "a.b.c",
    ],
)
async def test_other_texts_never_reach_the_store(text: str) -> None:
    tokens, store, _ = make()
    store.rotate = None  # type: ignore[assignment, method-assign]
    assert await fault(tokens, text) == "malformed"


def test_the_successor_needs_the_key() -> None:
    token = "zr_" + "a" * 67
    assert successor_of(token, b"k" * 32) == successor_of(token, b"k" * 32)
    assert successor_of(token, b"k" * 32) != successor_of(token, b"x" * 32)


async def test_secrets_change_without_signing_anybody_out() -> None:
    old, store, time = make(secrets=OTHER_SECRET)
    both, _, _ = make(time, (SECRET, OTHER_SECRET), store)
    token = await begin(old)
    rotated = await old.rotate(token)
    replayed = await both.rotate(token)
    assert (replayed.token, replayed.replayed) == (rotated.token, True)
    await both.rotate(rotated.token)


async def test_an_unknown_secret_refuses_without_punishing() -> None:
    new, store, time = make(secrets=SECRET)
    old, _, _ = make(time, OTHER_SECRET, store)
    token = await begin(old)
    rotated = await new.rotate(token)
    assert await fault(old, token) == "unknown_token"
    await new.rotate(rotated.token)


def test_secrets_must_be_strong() -> None:
    with pytest.raises(ConfigurationError, match="no secret"):
        make(secrets=())
    with pytest.raises(ConfigurationError, match="secret_key"):
        make(secrets=(SECRET, Secret("short")))


async def test_a_family_is_found_by_any_of_its_tokens_and_its_key() -> None:
    tokens = RefreshTokens(MemoryFamilies(), SECRET, clock=Time())
    first = await tokens.start(session_id="s", account_id="ada", thumbprint="key")
    assert await tokens.find(first.token) is None
    found = await tokens.find(first.token, thumbprint="key")
    assert found is not None
    assert found.id == "s"
    assert await tokens.find("nonsense") is None
    with pytest.raises(TokenError) as caught:
        await tokens.rotate(first.token, thumbprint="another")
    assert caught.value.fault == "unknown_token"
    assert (await tokens.rotate(first.token, thumbprint="key")).family_id == "s"
