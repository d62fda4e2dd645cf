"""The guard that answers preflights, and says on every response who may read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from zenith.pipeline import Exchange, Guard, Mark, RouteTable, Stage
from zenith.transport.cross_origin.declaration import CorsMark
from zenith.transport.cross_origin.errors import OriginRefusedError, PreflightError
from zenith.transport.cross_origin.policy import CorsPolicy
from zenith.transport.cross_origin.settings import CorsSettings

WANTED: Final = b"access-control-request-method"


class CorsGuard(Guard):
    """Threat: answers that pages of other sites read, and doors that are opened by hand for the few
    that should (ASVS 3.4.2, 3.5.2).

    Preflights are answered here, for every path alike, so that they tell nothing about routes. They
    have passed the limits per address by then and carry the security headers; no credential is
    looked at, for none comes with them. Every other response, refusals and server errors among
    them, says who may read it. Access to private networks is never granted, and
    Cross-Origin-Resource-Policy stays as it is: it decides about embedding without CORS, which is
    not opened here. What a handler writes into these headers is replaced.

    A change that the policy of its route allows, with cookies or without, is believed by CsrfGuard
    to come from a page that may send it; the token is asked for as of the application's own.
    WebSockets know no CORS: there CsrfGuard alone decides.
    """

    stage: ClassVar[Stage] = Stage.SESSION
    consumes: ClassVar[tuple[type, ...]] = (CorsMark,)

    def __init__(self, settings: CorsSettings | None = None) -> None:
        self._default: Final = CorsPolicy(settings or CorsSettings())
        # One entry per set of marks that the routes declare, so the routes bound it.
        self._policies: Final[dict[tuple[Mark, ...], CorsPolicy]] = {(): self._default}
        self._table: RouteTable | None = None

    def check(self, table: RouteTable, guards: Sequence[Guard]) -> None:
        """Learn which routes have policies of their own."""
        del guards
        own = any(isinstance(mark, CorsMark) for entry in table.walk() for mark in entry.marks)
        self._table = table if own else None

    def on_request(self, exchange: Exchange) -> None:
        """Answer a preflight; raises PreflightError, or OriginRefusedError."""
        origin = exchange.headers.get(b"origin")
        if origin is None or exchange.is_websocket:
            return
        if not exchange.is_safe:
            policy = self._policies.get(exchange.marks) or self._find(exchange.marks)
            exchange.is_origin_admitted = policy.believes(exchange.headers, exchange.method)
            return
        wanted = exchange.headers.get(WANTED)
        if wanted is None or exchange.method != "OPTIONS":
            return
        policy = exchange.state[CorsGuard] = self._asked_about(exchange, wanted.decode("latin-1"))
        if not policy.admits(origin):
            raise OriginRefusedError(reason="preflight of a foreign origin")
        raise PreflightError(reason="preflight")

    def on_response(self, exchange: Exchange) -> None:
        """Say who may read this."""
        if exchange.is_websocket:
            return
        asked: CorsPolicy | None = exchange.state.get(CorsGuard)
        policy = asked or self._policies.get(exchange.marks) or self._find(exchange.marks)
        policy.apply(
            exchange.response_headers,
            exchange.headers.get(b"origin"),
            preflight=asked is not None,
        )

    def _asked_about(self, exchange: Exchange, method: str) -> CorsPolicy:
        """The policy of the route that the request proper would reach."""
        if self._table is None:
            return self._default
        entry = self._table.find({**exchange.scope, "method": method})
        return self._default if entry is None else self._find(entry.marks)

    def _find(self, marks: tuple[Mark, ...]) -> CorsPolicy:
        policy = self._default
        for mark in marks:
            if isinstance(mark, CorsMark):
                policy = mark.policy
        self._policies[marks] = policy
        return policy
