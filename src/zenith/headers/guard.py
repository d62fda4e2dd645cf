"""The guard that puts the security headers on every response, refusals and 500s included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import ClassVar, Final

from zenith.headers.overrides import Changes, HeadersOverride
from zenith.headers.security_headers import SecurityHeaders
from zenith.headers.settings import HeadersSettings
from zenith.kernel.problem import RawHeaders
from zenith.pipeline import ASGIApp, Exchange, Guard, Mark, SecurityMiddleware, Stage

NOTHING: Final[Mapping[type[Mark], Mapping[str, Sequence[str]]]] = MappingProxyType({})


class HeadersGuard(Guard):
    """Threat: the browser as the attacker's tool: injected scripts, framing, sniffing, downgrade.

    `https_origin` says that clients reach the application by https even where the connection to
    this process is http, behind a proxy whose word is not taken. `more_sources` are added to the
    policy of routes that carry a mark: by its class, and by list. ASVS 3.4; OWASP Secure Headers.
    """

    stage: ClassVar[Stage] = Stage.HEADERS
    consumes: ClassVar[tuple[type, ...]] = (HeadersOverride,)

    def __init__(
        self,
        settings: HeadersSettings | None = None,
        *,
        https_origin: bool = False,
        more_sources: Mapping[type[Mark], Mapping[str, Sequence[str]]] = NOTHING,
    ) -> None:
        self._settings: Final = settings or HeadersSettings()
        self.more_sources: Final = more_sources
        self._default: Final = SecurityHeaders(self._settings)
        self._https: Final = https_origin
        # One entry per set of marks that the routes declare, so the routes bound it.
        self._compiled: Final[dict[tuple[Mark, ...], SecurityHeaders]] = {}

    def on_response(self, exchange: Exchange) -> None:
        """Put the headers on the response; see SecurityHeaders for which value counts."""
        headers = self._compiled.get(exchange.marks) or self._compile(exchange.marks)
        headers.apply(
            exchange.response_headers,
            secure=self._https or exchange.secure,
            nonce=exchange.nonce if exchange.nonce_used else None,
            private=exchange.principal.is_authenticated,
            status=exchange.status,
        )

    def on_accept(self, exchange: Exchange, headers: RawHeaders) -> None:
        """Cookies that come with a WebSocket are cookies; the rest means nothing there."""
        self._default.check_cookies(headers, secure=self._https or exchange.secure)

    def _compile(self, marks: tuple[Mark, ...]) -> SecurityHeaders:
        changes: Changes = {}
        for mark in marks:
            if isinstance(mark, HeadersOverride):
                changes |= mark.changes
        compiled = self._default
        more = [sources for mark in marks if (sources := self.more_sources.get(type(mark)))]
        if more:
            # Pages that show what is not ours; only they let it in.
            policy = changes.get("policy", self._settings.policy)
            for sources in more:
                policy = policy.extend(**sources)
            changes["policy"] = policy
        if changes:
            compiled = SecurityHeaders(replace(self._settings, **changes))
        self._compiled[marks] = compiled
        return compiled


class SecurityHeadersMiddleware(SecurityMiddleware):
    """The headers alone, for any ASGI application: `SecurityHeadersMiddleware(app)`.

    Wrap the finished application from outside; as `add_middleware` it misses the framework's own
    500 page. Inside `Zenith` or another SecurityMiddleware pass a HeadersGuard instead.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: HeadersSettings | None = None,
        *,
        https_origin: bool = False,
    ) -> None:
        super().__init__(app, guards=[HeadersGuard(settings, https_origin=https_origin)])
