"""Proofs of possession that were seen, in Redis or Valkey."""

from __future__ import annotations

import asyncio
from math import ceil
from typing import Any, Final

from zenith.stores.redis.client import RedisClient
from zenith.stores.redis.errors import errors_wrapped

PREFIX: Final = "zenith:proof:"
WAIT: Final = 2.0
"""Seconds until a request is refused for now, retries of the driver included."""
SKEW: Final = 60.0
"""Seconds for which a proof is known beyond its end: to a machine whose clock is behind it is not
over by then, and whoever saw it could use it there once more."""


class RedisProofStore:
    """One key for each proof, set only where it is not; Redis forgets it when it expires."""

    def __init__(self, client: RedisClient) -> None:
        self._client: Final[Any] = client

    async def claim(self, digest: str, *, now: float, expires_at: float) -> bool:
        """Whether the proof was not seen before; from now on it was."""
        life = max(1, ceil((expires_at - now + SKEW) * 1000))
        with errors_wrapped():
            async with asyncio.timeout(WAIT):
                answer = await self._client.execute_command(
                    "SET", PREFIX + digest, "1", "NX", "PX", life
                )
        return answer is not None

    async def prune(self, *, now: float) -> int:
        """Nothing: Redis does it."""
        del now
        return 0
