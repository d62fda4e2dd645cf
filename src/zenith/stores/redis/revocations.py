"""Revocations over Redis, from the process that revokes to all others at once."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from zenith.authentication.store import Revocation, RevocationKind
from zenith.stores.redis.client import RedisClient
from zenith.stores.redis.errors import unreachable

CHANNEL: Final = "zenith:revocations"
BATCH: Final = 500
"""Revocations in one message."""
MAX_MESSAGE: Final = 1 << 20
MAX_KEY: Final = 1024
LATEST: Final = 253402300800.0
"""The year 10000 as a Unix time: what lies beyond is no time."""
PUBLISH_WAIT: Final = 0.5
"""Seconds that whoever revokes waits for Redis. The database tells all within a second: who waited
as long as a server that hangs lets a command wait would sign out for a quarter of a minute."""
WAIT: Final = 5.0
"""Seconds after which a quiet connection is looked at."""
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
_KINDS: Final[dict[str, RevocationKind]] = {
    "token": "token",
    "session": "session",
    "subject": "subject",
    "roles": "roles",
}
_log: Final = logging.getLogger(__name__)


class RedisRevocationChannel:
    """Publish and subscribe. What is lost while Redis is away is found in the database a second
    later; what is malformed is ignored.

    Applications that share a Redis give each its own `channel`. A cluster passes messages on to
    all its nodes, so that any of them will do.
    """

    def __init__(self, client: RedisClient, *, channel: str = CHANNEL) -> None:
        self._client: Final = client
        self._channel: Final = channel

    async def publish(self, revocations: Sequence[Revocation]) -> None:
        """Send to all processes that listen; failures are logged, not raised."""
        for start in range(0, len(revocations), BATCH):
            message = encode(revocations[start : start + BATCH])
            try:
                async with asyncio.timeout(PUBLISH_WAIT):
                    await self._client.execute_command("PUBLISH", self._channel, message)
            except unreachable() as error:
                _log.warning(
                    "revocations could not be published (%s); other processes learn of them "
                    "from the database",
                    type(error).__name__,
                )
                return

    async def listen(self, receive: Callable[[Sequence[Revocation]], None]) -> None:
        """Call `receive` for each message, reconnecting by itself, until cancelled."""
        pause = FIRST_PAUSE
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._follow(receive)
            except unreachable() as error:
                _log.warning("revocation channel lost (%s), connecting again", type(error).__name__)
            if asyncio.get_running_loop().time() - began > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            # Spread, so that not all processes come back in the same moment.
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  # no secret
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _follow(self, receive: Callable[[Sequence[Revocation]], None]) -> None:
        subscription = await self._subscription()
        try:
            await subscription.subscribe(self._channel)
            while True:
                message: Any = await subscription.get_message(
                    ignore_subscribe_messages=True, timeout=WAIT
                )
                if message is None:
                    continue
                revocations = decode(message["data"])
                if revocations:
                    receive(revocations)
        finally:
            await subscription.aclose()

    async def _subscription(self) -> Any:
        client: Any = self._client
        if not hasattr(client, "get_nodes"):
            return client.pubsub()
        await client.initialize()
        # Another node with each attempt: one that is down does not end the listening.
        return client.pubsub(node=random.choice(client.get_nodes()))  # noqa: S311  # no secret


def encode(revocations: Sequence[Revocation]) -> str:
    """The message for these revocations."""
    return json.dumps([[each.kind, each.key, each.at, each.until] for each in revocations])


def decode(message: object) -> list[Revocation]:
    """What a message says; nothing if any part of it is not as `encode` writes it."""
    if not isinstance(message, str | bytes) or len(message) > MAX_MESSAGE:
        return []
    try:
        items: object = json.loads(message)
    except (ValueError, RecursionError):
        return []
    if not isinstance(items, list):
        return []
    found = [_revocation(item) for item in cast("list[object]", items)[: BATCH + 1]]
    revocations = [each for each in found if each is not None]
    return revocations if len(revocations) == len(found) <= BATCH else []


def _revocation(item: object) -> Revocation | None:
    match item:
        case [str(kind), str(key), int() | float() as at, int() | float() as until] if (
            kind in _KINDS and 0 < len(key) <= MAX_KEY and _is_time(at) and _is_time(until)
        ):
            return Revocation(kind=_KINDS[kind], key=key, at=float(at), until=float(until))
        case _:
            return None


def _is_time(value: float) -> bool:
    return not isinstance(value, bool) and 0 <= value <= LATEST
