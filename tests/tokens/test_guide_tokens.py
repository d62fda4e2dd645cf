"""The guide's functions, with what the guide leaves out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.tokens.fakes import Time, manager, revocation_list
from zenith.kernel.errors import AuthenticationError
from zenith.tokens import GuideTokens


def make() -> tuple[GuideTokens, Time]:
    time = Time()
    return GuideTokens(manager(time, revocations=revocation_list(time))), time


async def test_access_and_refresh() -> None:
    tokens, _ = make()
    access = tokens.create_access_token({"sub": "test@example.com", "user_id": 7})
    claims = await tokens.verify_token(access)
    assert (claims["sub"], claims["user_id"], claims["type"]) == ("test@example.com", 7, "access")
    refresh = tokens.create_refresh_token({"sub": "test@example.com"})
    assert (await tokens.verify_token(refresh, expected_type="refresh"))["type"] == "refresh"
    with pytest.raises(AuthenticationError):
        await tokens.verify_token(refresh)


async def test_tokens_expire() -> None:
    tokens, time = make()
    token = tokens.create_access_token(
        data={"sub": "test@example.com"}, expires_delta=timedelta(seconds=1)
    )
    await tokens.verify_token(token)
    time.now += 2
    with pytest.raises(AuthenticationError):
        await tokens.verify_token(token)


async def test_tokens_are_revoked() -> None:
    tokens, _ = make()
    token = tokens.create_access_token({"sub": "test@example.com"})
    jti = (await tokens.verify_token(token))["jti"]
    assert not await tokens.is_token_revoked(jti)
    await tokens.revoke_token(jti)
    assert await tokens.is_token_revoked(jti)
    with pytest.raises(AuthenticationError):
        await tokens.verify_token(token)
