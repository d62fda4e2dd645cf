"""Who is it? Asks each scheme in turn."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import ClassVar, Final

from zenith.authentication.lasting import LastingScheme, hold_stream, lasts
from zenith.authentication.scheme import RecallingScheme, Scheme
from zenith.kernel.clock import Clock, steady_clock
from zenith.kernel.errors import AuthenticationError
from zenith.kernel.principal import ANONYMOUS, Principal
from zenith.pipeline.exchange import Exchange
from zenith.pipeline.guard import Guard
from zenith.pipeline.stage import Stage

UNAUTHORIZED: Final = 401


class AuthenticationGuard(Guard):
    """Sets the principal from the first scheme that finds its credential.

    Threat: a request acting for somebody it is not (ASVS 6.3.1, 8.3.1). The order of the schemes
    is theirs by construction: credentials that a page must add on purpose (bearer, API key) come
    before those that a browser adds by itself (cookie). A credential that does not hold leaves the
    request anonymous and is remembered, so that routes which need a caller refuse it by name while
    public ones, such as the refresh of that very token, still answer.
    """

    stage: ClassVar[Stage] = Stage.AUTHENTICATION

    def __init__(self, schemes: Sequence[Scheme], *, steady: Clock = steady_clock) -> None:
        self._steady: Final = steady
        # What each scheme may know at once, and who is to be asked if it does not: itself and
        # those behind it, for those before it have said that there is nothing of theirs.
        self._steps: Final = tuple(
            (scheme.recall if isinstance(scheme, RecallingScheme) else None, tuple(schemes[index:]))
            for index, scheme in enumerate(schemes)
        )
        self._lasting: Final[Mapping[int, LastingScheme]] = {
            id(scheme): scheme for scheme in schemes if isinstance(scheme, LastingScheme)
        }
        offers = [scheme.challenge for scheme in schemes if scheme.challenge is not None]
        self._challenges: Final = [(b"www-authenticate", offer.encode()) for offer in offers]

    def on_request(self, exchange: Exchange) -> Awaitable[None] | None:
        """Ask the schemes; the first one with an answer decides."""
        for recall, left in self._steps:
            principal = None if recall is None else recall(exchange)
            if principal is None:
                return self._ask(exchange, left)
            if principal is not ANONYMOUS:
                self._admit(exchange, principal, left[0])
                break
        return None

    async def _ask(self, exchange: Exchange, schemes: Sequence[Scheme]) -> None:
        for scheme in schemes:
            try:
                principal = await scheme.authenticate(exchange)
            except AuthenticationError as error:
                exchange.failure = error
                return
            if principal is not None:
                self._admit(exchange, principal, scheme)
                return

    def _admit(self, exchange: Exchange, principal: Principal, scheme: Scheme) -> None:
        exchange.principal = principal
        lasting = self._lasting.get(id(scheme))
        if lasting is not None:
            lasts(exchange, lasting.reconsider, self._steady)

    def on_response(self, exchange: Exchange) -> None:
        """Say how to authenticate (RFC 9110 section 15.5.2), and hold back a stream of events once
        its caller's credential has ended.
        """
        if exchange.status != UNAUTHORIZED:
            hold_stream(exchange, self._steady)
        elif not any(name == b"www-authenticate" for name, _ in exchange.response_headers):
            exchange.response_headers += self._challenges
