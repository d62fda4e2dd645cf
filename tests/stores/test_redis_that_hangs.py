"""What waits for a Redis that takes commands and answers none: not long."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from zenith.authentication.store import Revocation
from zenith.kernel.errors import ServiceUnavailableError
from zenith.stores.redis import RedisProofStore, RedisRevocationChannel, revocations, token_proofs


class HangingRedis:
    """A client, as far as commands go."""

    async def execute_command(self, *_: object) -> object:
        return await asyncio.Event().wait()


def hanging() -> Any:
    return HangingRedis()


async def test_a_sign_out_does_not_wait_for_the_channel(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The database tells the others within a second."""
    monkeypatch.setattr(revocations, "PUBLISH_WAIT", 0.01)
    revocation = Revocation(kind="session", key="s1", at=10.5, until=99.0)
    async with asyncio.timeout(5):
        await RedisRevocationChannel(hanging()).publish([revocation])
    assert "from the database" in caplog.text


async def test_a_proof_that_cannot_be_claimed_is_refused_for_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(token_proofs, "WAIT", 0.01)
    async with asyncio.timeout(5):
        with pytest.raises(ServiceUnavailableError):
            await RedisProofStore(hanging()).claim("x", now=1.0, expires_at=2.0)
