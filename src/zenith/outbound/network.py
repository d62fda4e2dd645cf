"""Connections: the one place where a name becomes an address, and the address a connection.

Threat: DNS rebinding: a name that is looked up once for the check and once for the connection, and
answers otherwise the second time. Here it is looked up once for each connection, all answers are
judged, and what is connected to is one of those very addresses. The name stays what TLS asks for
and what the certificate must hold; httpcore hands it on by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final, cast

import httpcore

from zenith.kernel.clock import Clock
from zenith.kernel.network import Address
from zenith.outbound.destinations import Destinations
from zenith.outbound.errors import (
    OutboundTimeoutError,
    UnreachableError,
)
from zenith.outbound.resolver import Resolver

MAX_TRIED: Final = 4
"""Addresses of one name that are tried, each with its share of the time that is left."""


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections to hosts that may be called.

    It judges host and port again, whatever was judged before it, so that no disagreement of parsers
    opens a way, and opens nothing but TCP. `clock` is a steady one.
    """

    def __init__(
        self, destinations: Destinations, *, resolver: Resolver, timeout: float, clock: Clock
    ) -> None:
        self._destinations: Final = destinations
        self._resolver: Final = resolver
        self._timeout: Final = timeout
        self._clock: Final = clock
        self._sockets: Final = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's name
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Look up, judge, connect, within the time for that; `timeout` may only shorten it."""
        limit = self._timeout if timeout is None else min(timeout, self._timeout)
        deadline = self._clock() + limit
        address = self._destinations.check_host(host, port)
        addresses = [address] if address else await self._look_up(host, port, limit)
        tried = addresses[:MAX_TRIED]
        for index, each in enumerate(tried):
            share = (deadline - self._clock()) / (len(tried) - index)
            if share <= 0:
                break
            try:
                return await self._sockets.connect_tcp(
                    str(each), port, share, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        if self._clock() >= deadline:
            raise OutboundTimeoutError(reason=f"no connection to {host} in time")
        raise UnreachableError(reason=f"no connection to {host}, port {port}")

    async def _look_up(self, host: str, port: int, limit: float) -> Sequence[Address]:
        try:
            async with asyncio.timeout(limit):
                answers = await self._resolver(host)
        except TimeoutError:
            raise OutboundTimeoutError(reason=f"{host} was not looked up in time") from None
        except OSError:
            raise UnreachableError(reason=f"{host} cannot be looked up") from None
        return self._destinations.check_answers(host, port, answers)
