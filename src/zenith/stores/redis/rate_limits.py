"""Rate counters in Redis or Valkey: one script, one round trip, the server's clock."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, cast

from zenith.kernel.clock import Clock, steady_clock
from zenith.kernel.keys import b64encode
from zenith.rate_limits import Hit, RateLimitStoreError, Usage
from zenith.stores.redis.client import RedisClient
from zenith.stores.redis.errors import unreachable
from zenith.stores.redis.lanes import Lanes, turns
from zenith.stores.redis.refusals import Refusals

SCRIPT: Final = files("zenith.stores.redis").joinpath("rate_limits.lua").read_text("utf-8")
PREFIX: Final = "zenith:rate"
LETTERS: Final = {
    "fixed_window": "f",
    "sliding_window": "s",
    "sliding_log": "l",
    "token_bucket": "t",
}
"""What the script calls the strategies."""


class RedisRateLimitStore:
    """Counts exactly across any number of processes.

    Threat: a client that spreads its requests over processes, each of which counts for itself; a
    flood that turns every refused request into work for Redis; and a reader of Redis who learns who
    called. All limits of a request are one script and one round trip, timed by the server. Once a
    client is refused, its further hits are refused here until then, without asking. Keys hold only
    a MAC of the client under `key` (without one: a plain hash, which names can be tried against).

    A client's counters lie in one slot of a cluster; there, hits of several clients or accounts
    step from one to the next as RateLimitStore says. `timeout` is in seconds. Raises
    RateLimitStoreError where Redis does not answer in time or answers with an error.
    """

    def __init__(
        self,
        client: RedisClient,
        *,
        key: bytes = b"",
        timeout: float = 0.25,
        clock: Clock = steady_clock,
    ) -> None:
        # Whoever has a client has the driver; nobody else waits for its import.
        from redis.asyncio import RedisCluster  # noqa: PLC0415
        from redis.exceptions import ConnectionError as LostError  # noqa: PLC0415
        from redis.exceptions import NoScriptError  # noqa: PLC0415

        derived = hashlib.sha256(key).digest() if key else b""
        self._client: Final = cast("Any", client)
        self._is_cluster: Final = isinstance(client, RedisCluster)
        # Nodes of a cluster have pools of their own, which only the driver knows.
        self._lanes: Final = None if self._is_cluster else Lanes(client)
        self._turns: Final = turns(client)
        self._mac: Final = hashlib.blake2b(key=derived, digest_size=16)
        self._unknown_script: Final = NoScriptError
        self._lost_connection: Final = LostError
        self._timeout: Final = timeout
        self._clock: Final = clock
        self._refusals: Final = Refusals()
        self._script = SCRIPT

    async def hit(self, hits: Sequence[Hit]) -> list[Usage]:
        """As RateLimitStore."""
        now = self._clock()
        if self._refusals:
            known = [self._refusals.find(hit, now) for hit in hits]
            if any(known):
                pairs = zip(hits, known, strict=True)
                return [usage or _untouched(hit) for hit, usage in pairs]
        if self._is_cluster and len(hits) > 1:
            return await self._step_by_step(hits, now)
        return await self._step(hits, now)

    async def _step_by_step(self, hits: Sequence[Hit], now: float) -> list[Usage]:
        """Key by key, since each may lie on another node, up to the first that refuses."""
        groups: dict[str, list[int]] = {}
        for number, hit in enumerate(hits):
            groups.setdefault(hit.key, []).append(number)
        usages = [_untouched(hit) for hit in hits]
        for numbers in groups.values():
            found = await self._step([hits[number] for number in numbers], now)
            for number, usage in zip(numbers, found, strict=True):
                usages[number] = usage
            if not all(usage.allowed for usage in found):
                break
        return usages

    async def _step(self, hits: Sequence[Hit], now: float) -> list[Usage]:
        """One call of the script."""
        names: list[str] = []
        orders: list[str] = []
        client, tag = None, ""
        for limit, key, cost, partial in hits:
            if cost < 1:
                raise ValueError("a hit costs at least 1")
            if key != client:
                client, tag = key, self._digest(key)
            field, order = _describe(limit.id, limit.strategy, limit.requests, limit.window)
            names.append(f"{PREFIX}:{{{tag}}}:{field}")
            orders.append(f"{order} {cost}p" if partial else f"{order} {cost}")
        answer = await self._call(len(names), *names, *orders)
        usages = [
            Usage(
                hit.limit.requests,
                answer[at + 1],
                answer[at + 2] / 1000,
                answer[at + 3] / 1000,
                answer[at] == 1,
            )
            for at, hit in zip(range(0, len(answer), 4), hits, strict=True)
        ]
        for hit, usage in zip(hits, usages, strict=True):
            if not usage.allowed:
                self._refusals.note(hit, usage, now)
        return usages

    def _digest(self, client: str) -> str:
        """What stands for a client; keyed BLAKE2b is a MAC, at a third of the time of HMAC."""
        mac = self._mac.copy()
        mac.update(client.encode("utf-8", "surrogatepass"))
        return mac.hexdigest()

    async def _call(self, *arguments: str | int) -> list[int]:
        try:
            async with asyncio.timeout(self._timeout):
                try:
                    return cast(
                        "list[int]", await self._ask("EVALSHA", _sha(self._script), *arguments)
                    )
                except self._unknown_script:
                    return cast("list[int]", await self._ask("EVAL", self._script, *arguments))
        except unreachable() as error:
            if self._lanes is not None:
                await self._lanes.close_idle()
            raise _lost(error) from error

    async def _ask(self, *command: str | int) -> Any:
        """One command by a connection of our own, at a third of the driver's time. Where that
        turns out to be lost, the driver takes over, with its retries.
        """
        lanes = self._lanes
        if lanes is not None:
            try:
                return await lanes.ask(packed(command))
            except self._lost_connection:
                pass
        async with self._turns:
            return await self._client.execute_command(*command)


def packed(command: Sequence[str | int]) -> bytes:
    """A command as Redis reads it (RESP arrays of bulk strings)."""
    parts = [b"*%d\r\n" % len(command)]
    for argument in command:
        raw = str(argument).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(raw), raw))
    return b"".join(parts)


def _lost(error: Exception) -> RateLimitStoreError:
    return RateLimitStoreError(reason=f"redis: {type(error).__name__}")


@lru_cache(maxsize=2)
def _sha(script: str) -> str:
    """The name that Redis gives a script."""
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()


@lru_cache(maxsize=4096)
def _describe(name: str, strategy: str, requests: int, window: int) -> tuple[str, str]:
    """Where a limit is counted, as short as it can be told apart, and what the script is told."""
    field = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=9).digest()
    return b64encode(field), f"{LETTERS[strategy]} {requests} {window * 1000}"


def _untouched(hit: Hit) -> Usage:
    return Usage(hit.limit.requests, hit.limit.requests, 0.0, 0.0, True)
