"""Endpoints and keys of providers, remembered for a while and asked for once at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, Protocol, TypeVar

from zenith.kernel.clock import Clock, steady_clock
from zenith.oauth.errors import ProviderError
from zenith.oauth.metadata import read_keys, read_metadata
from zenith.oauth.provider import Endpoints, Provider
from zenith.tokens import KeyRing

MAX_AGE: Final = 3600.0
"""Seconds for which endpoints and keys are believed."""
KEY_PAUSE: Final = 30.0
"""Seconds between two requests for keys that a token's unknown key id may cause."""
FAILURE_PAUSE: Final = 3.0
"""Seconds for which a provider that failed is not asked again."""
T = TypeVar("T")


class Source(Protocol):
    """Fetches JSON."""

    async def get(self, url: str) -> dict[str, Any]:
        """The object at `url`; raises ProviderError."""
        ...


class _Kept(Generic[T]):
    """A value, asked for by one caller at a time while the others wait for it."""

    def __init__(self, ask: Callable[[], Awaitable[T]], steady: Clock) -> None:
        self._ask: Final = ask
        self._steady: Final = steady
        self._lock: Final = asyncio.Lock()
        self._value: T | None = None
        self._asked = float("-inf")
        self._failed = float("-inf")

    async def get(self, *, max_age: float = MAX_AGE) -> T:
        async with self._lock:
            now = self._steady()
            if self._value is not None and now - self._asked < max_age:
                return self._value
            if now - self._failed < FAILURE_PAUSE:
                raise ProviderError(reason="a provider failed a moment ago")
            try:
                self._value = await self._ask()
            except ProviderError:
                self._failed = self._steady()
                raise
            self._asked = self._steady()
            return self._value


class Directory:
    """What is known of each provider.

    Threat: a provider whose outage, or a flood of tokens with invented key ids, becomes a flood of
    requests to it and a queue of waiting sign-ins here.
    """

    def __init__(self, source: Source, *, steady: Clock = steady_clock) -> None:
        self._source: Final = source
        self._steady: Final = steady
        self._endpoints: Final[dict[str, _Kept[Endpoints]]] = {}
        self._keys: Final[dict[str, _Kept[KeyRing]]] = {}

    async def endpoints(self, provider: Provider) -> Endpoints:
        """Where the provider is talked to; raises ProviderError."""
        if provider.endpoints is not None:
            return provider.endpoints

        async def ask() -> Endpoints:
            return read_metadata(await self._source.get(provider.discovery_url), provider)

        kept = self._endpoints.setdefault(provider.name, _Kept(ask, self._steady))
        return await kept.get()

    async def keys(self, provider: Provider, *, renewed: bool = False) -> KeyRing:
        """The keys that it signs with; `renewed` ones are at most half a minute old."""

        async def ask() -> KeyRing:
            endpoints = await self.endpoints(provider)
            return read_keys(await self._source.get(endpoints.jwks), provider.algorithms)

        kept = self._keys.setdefault(provider.name, _Kept(ask, self._steady))
        return await kept.get(max_age=KEY_PAUSE if renewed else MAX_AGE)
