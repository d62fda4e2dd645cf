"""Counting for code: typed hits, a verb for flows, and the calls of the guides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import Final, TypedDict

from zenith.kernel.errors import ConfigurationError, RateLimitError
from zenith.rate_limits.keys import check_cost
from zenith.rate_limits.limit import Limit, Limits, limits_of
from zenith.rate_limits.store import Hit, RateLimitStore
from zenith.rate_limits.strategies import StrategyName, Usage

MINUTE: Final = 60


class RateLimitInfo(TypedDict):
    """What `check_rate_limit` tells. `reset` is in whole seconds, rounded up."""

    limit: int
    remaining: int
    reset: int


class RateLimiter:
    """Counts hits in a store and says who is over a limit.

    Threat: guessing, scraping and exhaustion by repetition (ASVS 6.3.1, 2.4.1). There is no verb to
    forgive hits: a success that cleared the count would let an attacker who owns one account guess
    for ever at others, signing in to his own now and then.
    """

    __slots__ = ("store",)

    def __init__(self, store: RateLimitStore) -> None:
        if not isinstance(store, RateLimitStore):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(
                f"{type(store).__name__} is no store of rate limits",
                fix="pass MemoryRateLimitStore() or RedisRateLimitStore(client)",
            )
        self.store: Final = store

    async def hit(self, hits: Sequence[Hit]) -> Sequence[Usage]:
        """Charge several limits in one step; see RateLimitStore."""
        return await self.store.hit(hits)

    async def admit(self, hits: Sequence[Hit]) -> Sequence[Usage]:
        """Charge them, or raise RateLimitError if one refuses."""
        usages = await self.store.hit(hits)
        refuse_over(hits, usages)
        return usages

    async def require(
        self,
        name: str,
        *,
        keys: Mapping[str, str],
        limits: Limits | Mapping[str, Limits],
        cost: int = 1,
    ) -> None:
        """Charge one action of one caller under several keys; raise RateLimitError if it is over.

        `await limiter.require("sign-in", keys={"address": ..., "account": ...},
        limits="10/minute")`. Each key has counters of its own, called `name` and the key's kind;
        `limits` may differ by kind. Put the caller's own key, its address, first: see
        RateLimitStore. An empty key counts as a key. The refusal tells the client nothing but how
        long to wait; its `reason` names the kind.

        Raises RateLimitError, ConfigurationError for limits that are none or no keys, and
        ValueError for a cost that is no whole number of 1 or more.
        """
        check_cost(cost)
        if not keys:
            raise ConfigurationError(
                f"{name} is limited by no key, so not at all", fix='pass keys={"address": ...}'
            )
        hits = [
            Hit(limit, key, cost)
            for kind, key in keys.items()
            for limit in limits_of(
                limits[kind] if isinstance(limits, Mapping) else limits,
                name=f"{name}:{kind}",
                label=kind,
            )
        ]
        await self.admit(hits)

    async def check_rate_limit(
        self, key: str, limit: int, window: int, strategy: StrategyName = "sliding_window"
    ) -> tuple[bool, RateLimitInfo]:
        """Charge `key`; whether it is admitted, and what is left. `window` is in seconds.

        Raises ConfigurationError for an unknown strategy or numbers that limit nothing.
        """
        usage = await self._charge(Limit(limit, window, strategy, name="check"), key)
        info = RateLimitInfo(
            limit=usage.limit,
            remaining=usage.remaining,
            reset=ceil(usage.reset_after),
        )
        return usage.allowed, info

    async def is_allowed(self, client_id: str, max_requests: int = 100) -> bool:
        """Whether the client made less than `max_requests` in the last minute; counts this one."""
        usage = await self._charge(Limit(max_requests, MINUTE, name="is-allowed"), client_id)
        return usage.allowed

    async def _charge(self, limit: Limit, key: str) -> Usage:
        (usage,) = await self.store.hit((Hit(limit, key),))
        return usage


def refuse_over(hits: Iterable[Hit], usages: Iterable[Usage]) -> None:
    """Raise RateLimitError if a usage refuses; it says how long until the longest is over."""
    for usage in usages:
        if not usage.allowed:
            break
    else:
        return
    over = [(hit, usage) for hit, usage in zip(hits, usages, strict=True) if not usage.allowed]
    raise RateLimitError(
        retry_after=max(usage.retry_after for _, usage in over),
        reason="over " + ", ".join(hit.limit.id for hit, _ in over),
    )
