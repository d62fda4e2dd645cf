"""How many requests may be in flight at once: for one caller, for one route, for all."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from zenith.pipeline import Exchange
from zenith.rate_limits.charges import charges_of
from zenith.rate_limits.endpoint import DeclaredLimit
from zenith.rate_limits.errors import BusyError, ConcurrencyError
from zenith.rate_limits.keys import (
    EARLY,
    NETWORK,
    Exemption,
    KeyFunction,
    KeyOf,
    Per,
    Prefixes,
    check_places,
    connection_of,
    key_per,
    own_key,
)
from zenith.rate_limits.store import Release, Slot, SlotStore


class ConcurrencyLimiter:
    """Threat: slow requests held open until nothing is left for others: exports, searches, streams,
    sockets (ASVS 2.4.1, 15.2.2). No rate of requests is needed for that, so no rate limit sees it.

    What is taken is given back when the answer ends, whichever way it ends. Where `store` is shared
    by processes, what one of them held is free again 30 seconds after it was killed.
    """

    __slots__ = ("_store",)

    def __init__(self, store: SlotStore) -> None:
        self._store: Final = store

    async def enter(self, exchange: Exchange, slots: Sequence[Slot]) -> None:
        """Hold `slots` until the answer has ended; all of them, or none.

        Raises ConcurrencyError (429) where a caller has as many requests in flight as it may, and
        BusyError (503) where all callers together have.
        """
        _release_at_end(exchange, await self._take(slots))

    @asynccontextmanager
    async def hold(self, name: str, key: str, *, at_most: int) -> AsyncGenerator[None]:
        """Hold one of `at_most` places while the block runs: for work that is no request.

        Raises as `enter`; an empty `key` means all callers together.
        """
        release = await self._take((Slot(name, key, at_most),))
        try:
            yield
        finally:
            waiting = release()
            if waiting is not None:
                await waiting

    async def _take(self, slots: Sequence[Slot]) -> Release:
        taken = await self._store.take(slots)
        if not isinstance(taken, Slot):
            return taken
        reason = f"{taken.name}: {taken.at_most} at once"
        if taken.key:
            raise ConcurrencyError(reason=reason)
        raise BusyError(reason=reason)


def _release_at_end(exchange: Exchange, release: Release) -> None:
    before = exchange.settle

    async def end() -> None:
        try:
            if before is not None and (due := before(None)) is not None:
                await due
        finally:
            if (waiting := release()) is not None:
                await waiting

    def settle(status: int | None) -> Awaitable[None] | None:
        if status is None:
            return end()
        return None if before is None else before(status)

    exchange.settle = settle


class ConcurrencyMark(DeclaredLimit):
    """At most so many requests of one caller on what bears it, at once."""

    __slots__ = ("_at_most", "_exempt", "_key", "_key_of", "_name", "_per")

    def __init__(
        self,
        at_most: int,
        *,
        per: Per,
        key: KeyFunction | None,
        exempt: Exemption | None,
        prefixes: Prefixes,
        name: str,
    ) -> None:
        super().__init__()
        self._at_most: Final = at_most
        self._per: Final = per
        self._key: Final = key
        self._key_of: Final[KeyOf] = key_per(per, prefixes=prefixes)
        self._exempt: Final = exempt
        self._name: Final = name

    @property
    def needs_principal(self) -> bool:
        """Whether it can be charged only once it is known who calls."""
        return self._key is None and self._per not in EARLY

    async def enforce(self, exchange: Exchange) -> None:
        """Hold a place until the answer ends, unless one is held; raises SecurityError."""
        if not charges_of(exchange).begin(self):
            return
        if self._exempt is not None and self._exempt(connection_of(exchange)) is True:
            return
        key = self._key_of(exchange) if self._key is None else own_key(self._key, exchange)
        slot = Slot(self._name or f"route {exchange.route}", key, self._at_most)
        await exchange.service(ConcurrencyLimiter).enter(exchange, (slot,))

    def __repr__(self) -> str:
        return f"<concurrency limit: {self._at_most} per {self._per}>"


def concurrency_limit(
    at_most: int,
    *,
    per: Per = "principal",
    key_func: KeyFunction | None = None,
    prefixes: Prefixes = NETWORK,
    exempt: Exemption | None = None,
    name: str = "",
) -> ConcurrencyMark:
    """Allow `at_most` requests in flight at once: `@concurrency_limit(2)` below the route's
    decorator, around an ASGI application, or `Depends(concurrency_limit(...))`.

    A request is in flight until its answer was sent or its socket closed. `per`, `key_func`,
    `prefixes` and `exempt` as for `rate_limit`; `per="everyone"` limits the route itself and is
    refused with 503, the others with 429. Counted for each route, or for all that bear `name`.

    Raises ConfigurationError for what allows nothing and for keys that do not exist.
    """
    check_places(at_most, setting="concurrency_limit")
    return ConcurrencyMark(
        at_most, per=per, key=key_func, exempt=exempt, prefixes=prefixes, name=name
    )
