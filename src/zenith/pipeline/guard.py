"""What a protection is: one stage, two hooks, no state of its own per request."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import ClassVar

from zenith.kernel.problem import RawHeaders
from zenith.pipeline.exchange import Exchange, Scope
from zenith.pipeline.stage import Stage


class Guard:
    """One protection. Override the hooks that it needs; the pipeline skips those left alone. A hook
    that waits is an `async def`, one that never does a plain `def`, which costs less.

    A guard lives as long as the application and serves many requests at once: whatever belongs to
    one request is kept on the exchange.
    """

    stage: ClassVar[Stage]
    consumes: ClassVar[tuple[type, ...]] = ()
    """Mark types that this guard enforces. A mark that no guard consumes refuses the start."""

    def on_request(self, exchange: Exchange) -> Awaitable[None] | None:
        """Look at the request before the application; raise SecurityError to refuse it."""

    def on_response(self, exchange: Exchange) -> Awaitable[None] | None:
        """Edit `exchange.response_headers`; runs for refusals and unhandled errors too."""

    def on_accept(self, exchange: Exchange, headers: RawHeaders) -> None:
        """Edit, in place, the headers with which the application accepts a WebSocket; asked where
        there are such headers.
        """

    def readdress(self, scope: Scope) -> Scope:
        """The request as if it named another path, before its route is found and before any guard
        has seen it; `scope` itself where it stays where it is, never changed in place.
        """
        return scope

    async def startup(self) -> None:
        """Acquire what the guard needs; runs once, before the first request."""

    async def shutdown(self) -> None:
        """Release what `startup` acquired."""
