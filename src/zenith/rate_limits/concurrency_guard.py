"""The guard of what is in flight over all routes."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, ClassVar, Final

from zenith.kernel.network import client_key
from zenith.pipeline import Exchange, Guard, Stage
from zenith.rate_limits.settings import RateLimitSettings
from zenith.rate_limits.store import Slot

if TYPE_CHECKING:
    from zenith.rate_limits.concurrency import ConcurrencyLimiter


class ConcurrencyGuard(Guard):
    """Threat: slow requests held open until nothing is left for others.

    Lets each client address, and all together, have so many requests in flight as the settings say
    (ASVS 2.4.1, 15.2.2), before anybody knows who calls. What routes declare is not its matter.
    """

    stage: ClassVar[Stage] = Stage.RATE_LIMIT

    def __init__(self, limiter: ConcurrencyLimiter, settings: RateLimitSettings) -> None:
        self._limiter: Final = limiter
        self._per_address: Final = settings.concurrent_per_address
        self._in_all: Final = settings.concurrent

    def on_request(self, exchange: Exchange) -> Awaitable[None]:
        """Hold a place until the answer ends; raises ConcurrencyError or BusyError."""
        slots: list[Slot] = []
        if self._per_address is not None:
            slots.append(Slot("all:address", client_key(exchange.client), self._per_address))
        if self._in_all is not None:
            slots.append(Slot("all", "", self._in_all))
        return self._limiter.enter(exchange, slots)
