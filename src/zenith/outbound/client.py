"""Calls of other servers on the word of somebody outside: webhooks, previews, imports, pictures.

Threat: server-side request forgery, and whatever a server that answers can do to one that asks:
hang, drip, flood, lead on, unpack to gigabytes (ASVS 1.3.6, 13.2.4 to 13.2.6, 15.3.2).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from zenith.kernel.clock import Clock, steady_clock, wall_clock
from zenith.kernel.events import Event, EventSink, EventType, Outcome
from zenith.outbound.answer import OutboundAnswer
from zenith.outbound.calls import build
from zenith.outbound.destinations import Destinations
from zenith.outbound.errors import (
    AddressRefusedError,
    CallRefusedError,
    OutboundError,
    OutboundTimeoutError,
    RedirectRefusedError,
    UntrustedError,
)
from zenith.outbound.redirects import STATUSES, follow
from zenith.outbound.resolver import Resolver
from zenith.outbound.settings import OutboundSettings
from zenith.outbound.transport import OutboundTransport

if TYPE_CHECKING:
    import httpx

REFUSALS: Final = (AddressRefusedError, CallRefusedError, RedirectRefusedError)
"""Errors that the rules decide, and not the other end or the network."""


class OutboundClient:
    """Asks other servers, and is not sent where it should not go.

        async with OutboundClient() as client:
            answer = await client.get(url)

    By default: https to public addresses, ports 443 and 80, no redirects, 1 MiB, 30 seconds. Of the
    environment no proxy, no `.netrc` and no key log is taken; cookies are not kept. Every method
    raises an OutboundError where there is no answer within the limits; an answer of any status is
    none.

    Make one and use it for the whole application: the limits of concurrency are its own. It may be
    used without `async with`; `aclose` closes its connections. `resolver` finds the addresses of
    names in place of the system's; `tls` holds authorities of the application's own; `clock` is a
    steady one; `events` are told of calls that are refused and of TLS that fails. Raises
    ConfigurationError if `tls` verifies nothing.
    """

    def __init__(
        self,
        settings: OutboundSettings | None = None,
        *,
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Clock = steady_clock,
        events: EventSink | None = None,
    ) -> None:
        self._events: Final = events
        self._settings: Final = settings or OutboundSettings()
        self._destinations: Final = Destinations(self._settings)
        self._transport: Final = OutboundTransport(
            self._settings, resolver=resolver, tls=tls, clock=clock
        )
        self._places: Final = asyncio.Semaphore(self._settings.max_concurrent)

    async def __aenter__(self) -> Self:
        """Nothing yet: connections open with the first call."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Close the connections."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; another call opens new ones."""
        await self._transport.aclose()

    async def get(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> OutboundAnswer:
        """Ask for what is at `url`; `params` are added to its query."""
        return await self.request("GET", url, params=params, headers=headers)

    async def head(self, url: str, *, headers: Mapping[str, str] | None = None) -> OutboundAnswer:
        """Ask for the headers alone."""
        return await self.request("HEAD", url, headers=headers)

    async def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        data: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> OutboundAnswer:
        """Send bytes, a form (`data`) or a JSON document, one of them at most."""
        return await self.request(
            "POST", url, headers=headers, content=content, data=data, json=json
        )

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        data: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> OutboundAnswer:
        """Ask by any method but CONNECT and TRACE. Headers that say where a call goes or ends, such
        as Host, are refused; so is what is no URL in its plainest form.
        """
        try:
            self._destinations.check_text(url)
            request = build(
                method,
                url,
                user_agent=self._settings.user_agent,
                params=params,
                headers=headers,
                content=content,
                data=data,
                json=json,
            )
            async with asyncio.timeout(self._settings.total_timeout), self._places:
                return await self._follow(request)
        except TimeoutError:
            raise OutboundTimeoutError(reason="the call took too long as a whole") from None
        except REFUSALS as error:
            self._tell(error, EventType.OUTBOUND_REFUSED, "denied")
            raise
        except UntrustedError as error:
            self._tell(error, EventType.UNHANDLED_ERROR, "error")
            raise

    def _tell(self, error: OutboundError, kind: EventType, outcome: Outcome) -> None:
        """Whoever tries destinations leaves a trace (ASVS 16.3.3), and so does whoever stands in
        for the other end, also where the caller makes do without it (ASVS 16.3.4).
        """
        if self._events is not None:
            self._events.note(
                Event(
                    type=kind,
                    outcome=outcome,
                    at=wall_clock(),
                    reason=error.reason,
                    severity="WARNING",
                    details={"error": error.code, "kind": type(error).__name__},
                )
            )

    async def _follow(self, request: httpx.Request) -> OutboundAnswer:
        left = self._settings.max_redirects
        while True:
            answer = await self._send(request)
            location = answer.headers.get("location")
            follows = answer.status in STATUSES and self._settings.max_redirects > 0
            if location is None or not follows:
                return answer
            if not left:
                raise RedirectRefusedError(reason="too many redirects")
            left -= 1
            request = follow(request, answer.status, location, destinations=self._destinations)

    async def _send(self, request: httpx.Request) -> OutboundAnswer:
        response = await self._transport.handle_async_request(request)
        try:
            content = await response.aread()
        finally:
            await response.aclose()
        return OutboundAnswer(
            status=response.status_code,
            headers=response.headers,
            content=content,
            url=str(request.url),
        )
