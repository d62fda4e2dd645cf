"""The network for httpx, fenced: for `OutboundClient`, and for clients that others make.

Threat: as of `zenith.outbound.network`; and what a caller's or a library's httpx hands down past
the checks: a Host header, a name for TLS or a request target that differ from the URL, a proxy.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from typing import Final, cast

from zenith.kernel.clock import Clock, steady_clock
from zenith.kernel.errors import ConfigurationError
from zenith.outbound.certificates import check_context, usual_context
from zenith.outbound.destinations import Destinations
from zenith.outbound.errors import (
    CallRefusedError,
    MalformedAnswerError,
    OutboundError,
    OutboundTimeoutError,
    UnreachableError,
    UntrustedError,
)
from zenith.outbound.resolver import Resolver, SystemResolver
from zenith.outbound.settings import OutboundSettings
from zenith.outbound.unpacking import ASKED_FOR, Unpacking

try:
    import httpcore
    import httpx
except ModuleNotFoundError as error:  # pragma: no cover - the tests have every extra
    raise ConfigurationError(
        "calls of other servers need httpx", fix="install zenith-security[outbound]"
    ) from error

from zenith.outbound.network import CheckedNetwork

KEPT_OPEN: Final = 10
"""Connections that wait for another call, for `KEPT_SECONDS`."""
KEPT_SECONDS: Final = 5.0


class OutboundTransport(httpx.AsyncBaseTransport):
    """`httpx.AsyncClient(transport=OutboundTransport())` calls only where `settings` let it.

    Each request is judged, so each redirect that the client follows; bodies are bounded; answers
    may be slow as a whole, which only `OutboundClient` bounds, and the client keeps cookies and
    hands credentials on as httpx does. Raises OutboundError, which is none of httpx's errors.

    `resolver` replaces the system's; `tls` has authorities of the application's own (raises
    ConfigurationError if it verifies nothing); `clock` is a steady one.
    """

    def __init__(
        self,
        settings: OutboundSettings | None = None,
        *,
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Clock = steady_clock,
    ) -> None:
        self._settings: Final = settings or OutboundSettings()
        self._destinations: Final = Destinations(self._settings)
        self._names: Final = SystemResolver()
        self._network: Final = CheckedNetwork(
            self._destinations,
            resolver=resolver or self._names,
            timeout=self._settings.connect_timeout,
            clock=clock,
        )
        self._tls: ssl.SSLContext | None = tls and check_context(tls)
        self._pool: httpcore.AsyncConnectionPool | None = None

    async def aclose(self) -> None:
        """Close the connections; another request opens new ones."""
        pool, self._pool = self._pool, None
        self._names.close()
        if pool is not None:
            await pool.aclose()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Judge, send, and begin to read."""
        self._check(request)
        pool = await self._open()
        request.headers["Accept-Encoding"] = ASKED_FOR
        sent = httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=cast("httpx.AsyncByteStream", request.stream),
            # Nothing else is handed on: a name for TLS or a target would replace the judged ones.
            extensions={"timeout": self._timeouts(request)},
        )
        try:
            received = await pool.handle_async_request(sent)
        except _FAILURES as error:
            raise _translated(error) from None
        headers = httpx.Headers(received.headers)
        try:
            coding = headers.get("content-encoding", "")
            unpacking = Unpacking(coding, limit=self._settings.max_answer_bytes)
        except OutboundError:
            await received.aclose()
            raise
        if unpacking.is_packed:
            # What comes out of here is unpacked; nobody is to unpack it again.
            del headers["content-encoding"]
            headers.pop("content-length", None)
        return httpx.Response(received.status, headers=headers, stream=_Body(received, unpacking))

    def _check(self, request: httpx.Request) -> None:
        url = request.url
        if url.userinfo:
            raise CallRefusedError(reason="the URL holds a name or a password")
        self._destinations.check_call(url.scheme, url.raw_host.decode("ascii"), url.port)
        if request.headers.get_list("host") != [url.netloc.decode("ascii")]:
            raise CallRefusedError(reason="the Host header is not that of the URL")

    def _timeouts(self, request: httpx.Request) -> dict[str, float]:
        """The settings' seconds, or the request's own where they are shorter."""
        wanted = cast("dict[str, float | None]", request.extensions.get("timeout", {}))
        settings = self._settings
        allowed = {
            "connect": settings.connect_timeout,
            "read": settings.read_timeout,
            "write": settings.read_timeout,
            "pool": settings.total_timeout,
        }
        return {name: min(wanted.get(name) or limit, limit) for name, limit in allowed.items()}

    async def _open(self) -> httpcore.AsyncConnectionPool:
        if self._tls is None:
            self._tls = await asyncio.to_thread(usual_context)
        if self._pool is None:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=self._tls,
                max_connections=self._settings.max_concurrent,
                max_keepalive_connections=KEPT_OPEN,
                keepalive_expiry=KEPT_SECONDS,
                network_backend=self._network,
            )
        return self._pool


class _Body(httpx.AsyncByteStream):
    """A body on its way, unpacked and counted."""

    def __init__(self, received: httpcore.Response, unpacking: Unpacking) -> None:
        self._received: Final = received
        self._unpacking: Final = unpacking

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._received.aiter_stream():
                for piece in self._unpacking.feed(part):
                    yield piece
                    await asyncio.sleep(0)  # a large answer unpacks beside others' work
        except _FAILURES as error:
            raise _translated(error) from None
        self._unpacking.finish()

    async def aclose(self) -> None:
        await self._received.aclose()


_FAILURES: Final = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    OSError,  # of TLS, after the handshake
)


def _translated(error: Exception) -> OutboundError:
    """Their kind alone: their texts quote what the other end sent."""
    kind = type(error).__name__
    if isinstance(error, httpcore.TimeoutException):
        return OutboundTimeoutError(reason=f"the other end took too long: {kind}")
    if isinstance(error, httpcore.RemoteProtocolError):
        return MalformedAnswerError(reason="the answer is no HTTP")
    cause = error if isinstance(error, ssl.SSLError) else error.__context__
    if isinstance(cause, ssl.SSLError):
        return UntrustedError(reason=f"TLS failed: {type(cause).__name__}")
    return UnreachableError(reason=f"the connection failed: {kind}")
