"""The guard that believes no change until its origin, and then its token, is proven."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import ClassVar, Final

from zenith.csrf.body import form_token
from zenith.csrf.exemption import CsrfExemption, exempt_among
from zenith.csrf.form import is_json
from zenith.csrf.issued import Issued, anonymous_id
from zenith.csrf.origins import Origins
from zenith.csrf.settings import CsrfSettings
from zenith.csrf.tokens import CsrfTokens, new_pad
from zenith.kernel.errors import CsrfError
from zenith.kernel.keys import Secret
from zenith.pipeline import Exchange, Guard, Mark, RouteTable, Stage

BROWSER_SIGNALS: Final = (b"cookie", b"origin", b"sec-fetch-site", b"referer")


class CsrfGuard(Guard):
    """Threat: another site's page uses the cookies, or the network, of the user's browser.

    Two lines: the headers that scripts cannot set (ASVS 3.5.3), then a token bound to the session
    (ASVS 3.5.1) or, before sign-in, to a random cookie, so that nobody is signed in to a foreign
    account either. Safe methods pass. A credential that pages must add on purpose (bearer, API
    key) passes: a foreign page cannot add it without the application's consent (CORS). Requests
    with neither cookie nor any sign of a browser pass unless `always` is set, and so does JSON of
    our own origin from whoever is not signed in: nothing ambient speaks for them. WebSocket
    handshakes carry no token, so their Origin decides (ASVS 4.4.2). Of `secrets` the first signs,
    all verify. Raises CsrfError, which never says why.
    """

    stage: ClassVar[Stage] = Stage.CSRF
    consumes: ClassVar[tuple[type, ...]] = (CsrfExemption,)

    def __init__(self, secrets: Sequence[Secret], settings: CsrfSettings | None = None) -> None:
        self.settings: Final = settings or CsrfSettings()
        self._tokens: Final = CsrfTokens(secrets)
        self._origins: Final = Origins(self.settings.origins, self.settings.trusted_origins)
        self._cookie: Final = self.settings.cookie
        self._header: Final = self.settings.header_name.lower().encode("ascii")
        self._cookie_schemes: Final = frozenset(self.settings.cookie_schemes)
        self._exempt: frozenset[tuple[Mark, ...]] = frozenset()

    def check(self, table: RouteTable, guards: Sequence[Guard]) -> None:
        """Note which routes are exempt, whenever routes were added."""
        del guards
        self._exempt = exempt_among(table)

    def on_request(self, exchange: Exchange) -> Awaitable[None] | None:
        """Refuse changes and handshakes that the user's own page may not have sent."""
        exchange.state[CsrfGuard] = self
        return None if exchange.is_safe else self._check(exchange)

    async def _check(self, exchange: Exchange) -> None:
        if exchange.is_websocket:
            self._check_handshake(exchange)
            return
        if self._exempt and exchange.marks in self._exempt:
            return
        principal = exchange.principal
        if principal.is_authenticated and principal.scheme not in self._cookie_schemes:
            return
        headers = exchange.headers
        if not (
            principal.is_authenticated
            or self.settings.always
            or any(name in headers for name in BROWSER_SIGNALS)
        ):
            return
        self._check_origin(exchange)
        if not principal.is_authenticated and not self.settings.always and is_json(headers):
            # No form can send JSON, no script of another site without the application's consent
            # (CORS), and there is no session to ride on: the origin says all that a token would.
            return
        token = headers.get(self._header)
        text = (
            await form_token(exchange, self.settings) if token is None else token.decode("latin-1")
        )
        binding = self._binding(exchange)
        if text is None or binding is None:
            raise CsrfError(reason="no token" if text is None else "no cookie to bind a token to")
        if not self._tokens.verify(text, binding=binding):
            raise CsrfError(reason="token is not bound to this session")

    def on_response(self, exchange: Exchange) -> None:
        """Keep responses that carry a token out of caches, and set the cookie it is bound to."""
        issued = exchange.state.get(Issued)
        if isinstance(issued, Issued):
            issued.apply(exchange.response_headers, self._cookie, self.settings.secure_cookies)

    def issue(self, exchange: Exchange) -> str:
        """A token for the page that this response shows."""
        issued = exchange.state.setdefault(Issued, Issued())
        binding = self._binding(exchange)
        if binding is None:
            binding = f"anonymous:{issued.new_cookie()}"
        return self._tokens.issue(binding, pad=new_pad())

    def _binding(self, exchange: Exchange) -> str | None:
        principal = exchange.principal
        if principal.session_id is not None and principal.scheme in self._cookie_schemes:
            return f"session:{principal.session_id}"
        cookie = anonymous_id(exchange.cookies.get(self._cookie))
        return None if cookie is None else f"anonymous:{cookie}"

    def _check_handshake(self, exchange: Exchange) -> None:
        self._check_origin(exchange)
        if b"origin" not in exchange.headers and exchange.principal.scheme in self._cookie_schemes:
            raise CsrfError(reason="cookie handshake without Origin")

    def _check_origin(self, exchange: Exchange) -> None:
        if exchange.is_origin_admitted:
            return
        host = exchange.host or exchange.header(b"host")
        fault = self._origins.fault(exchange.headers, secure=exchange.secure, host=host)
        if fault:
            raise CsrfError(reason=fault)
