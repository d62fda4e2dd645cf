"""A caller whose body takes its time, or whose socket or event stream stays open: whether the
credential still holds when something has arrived, or is about to leave.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final, Protocol, runtime_checkable

from zenith.authentication.scheme import Scheme
from zenith.kernel.clock import Clock
from zenith.kernel.errors import AuthenticationError, ConflictError, SecurityError
from zenith.kernel.principal import Principal
from zenith.pipeline import Exchange, Message

MAX_AGE: Final = 1.0
"""Seconds for which the judgement over a credential is believed, here as everywhere."""


EVENT_STREAM: Final = b"text/event-stream"


@runtime_checkable
class LastingScheme(Scheme, Protocol):
    """A scheme that can judge a credential once more within its request."""

    async def reconsider(self, exchange: Exchange, *, used: bool) -> Principal | None:
        """The principal as it is now, None or AuthenticationError where the credential does not
        hold any more. Nothing is charged, and no proof is asked for that was given and spent.
        `used`: the caller has done something, which keeps a session alive; what an application
        sends by itself does not (ASVS 7.3.1).
        """
        ...


class Judge(Protocol):
    """Says who a caller is by now, as `LastingScheme.reconsider` does."""

    async def __call__(self, exchange: Exchange, *, used: bool) -> Principal | None: ...


class _Lasting:
    """Knows who was recognised, and when that was judged."""

    __slots__ = (
        "_again",
        "_exchange",
        "_former",
        "_judged",
        "_principal",
        "_receive",
        "_steady",
    )

    def __init__(
        self,
        exchange: Exchange,
        judge: Judge,
        steady: Clock,
        *,
        principal: Principal | None = None,
    ) -> None:
        self._exchange: Final = exchange
        self._receive: Final = exchange.receive
        self._former: Final = exchange.still
        self._principal: Final = principal or exchange.principal
        self._again: Final = judge
        self._steady: Final = steady
        self._judged = steady()

    @property
    def _is_due(self) -> bool:
        return self._steady() - self._judged >= MAX_AGE

    async def _judge(self, during: str, *, used: bool) -> None:
        """Raise what refuses the caller by now. Frameworks make other answers of what fails here,
        so the pipeline is told.
        """
        begun, refusal = self._steady(), self._exchange.refusal
        if refusal is not None:
            raise refusal
        try:
            now = await self._again(self._exchange, used=used)
        except SecurityError as error:
            refusal = error
        else:
            if now is None:
                refusal = AuthenticationError(reason=f"ended while {during}")
            elif now != self._principal:
                refusal = ConflictError(
                    "What you may do has changed meanwhile; send it again",
                    reason=f"roles or permissions changed while {during}",
                )
        if refusal is not None:
            self._exchange.refusal = refusal
            raise refusal
        self._judged = begun


class LastingBody(_Lasting):
    """Stands in for `receive` where a caller was recognised.

    Threat: a request that is opened with a stolen credential, before its owner resets the password
    or signs out everywhere, and whose last byte is sent afterwards: a thief adds a key or a passkey
    of his own with what was ended half a minute ago (ASVS 7.4.1, 7.4.3, 8.3.2). Who takes more than
    `MAX_AGE` for the body is judged again before anybody reads the end of it: `judge` says who it
    is by then, and has to find the same principal as the exchange has now.
    """

    __slots__ = ()

    async def __call__(self) -> Message:
        message = await self._receive()
        is_end = message["type"] == "http.request" and not message.get("more_body", False)
        if is_end and self._is_due:
            await self._judge("the body was on its way", used=True)
        return message


class LastingStream(_Lasting):
    """What an application sends for as long as it likes: asked before each message leaves.

    Threat: as with a socket, of which this is the other half: a feed that goes on to whoever has
    opened it with a stolen credential, after its owner has ended that everywhere.
    """

    __slots__ = ()

    def hold(self) -> None:
        """Be asked about whatever leaves from now on."""
        self._exchange.still = self.still

    async def still(self) -> bool:
        """Whether the caller may have it. Never raises: whoever sends may do so for another."""
        if self._is_due and self._exchange.refusal is None:
            with suppress(SecurityError):
                await self._judge("the stream was open", used=False)
        if self._exchange.refusal is not None:
            return False
        return self._former is None or await self._former()


def hold_stream(exchange: Exchange, steady: Clock) -> None:
    """Have the answer asked about as it leaves, if it is a stream of events, which lasts for as
    long as a socket does. Other answers end by themselves: a large file is not cut off half-way.
    """
    judges = exchange.state.get(LastingStream)
    if judges is None:
        return
    for name, value in exchange.response_headers:
        if name == b"content-type" and value.startswith(EVENT_STREAM):
            for judge, principal in judges:
                LastingStream(exchange, judge, steady, principal=principal).hold()
            return


class LastingSocket(LastingStream):
    """Stands in for `receive` where the caller of a WebSocket was recognised.

    Threat: a socket that was opened with a stolen credential, and acts on for as long as it is open
    after its owner has signed out, reset the password or been locked (ASVS 7.4.1, 7.4.2). Whoever
    was judged longer ago than `MAX_AGE` is judged again before a message of his is handed over, and
    before one leaves for him, as with each request: a credential that has ended or expired, or
    stands for something else by now, closes the socket, and the client opens another with the one
    that it has.
    """

    __slots__ = ("_heard",)

    def __init__(self, exchange: Exchange, judge: Judge, steady: Clock) -> None:
        super().__init__(exchange, judge, steady)
        self._heard = self._judged

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.receive":
            now = self._steady()
            if self._exchange.refusal is not None or now - self._heard >= MAX_AGE:
                await self._judge("the socket was open", used=True)
                self._heard = now
        return message


def lasts(exchange: Exchange, judge: Judge, steady: Clock) -> None:
    """Have `judge` asked again about whoever was recognised, for as long as the request lasts: as
    its body, as a socket, or as a stream of events.
    """
    if exchange.is_websocket:
        socket = LastingSocket(exchange, judge, steady)
        socket.hold()
        exchange.receive = socket
        return
    exchange.state.setdefault(LastingStream, []).append((judge, exchange.principal))
    if not exchange.is_safe:
        exchange.receive = LastingBody(exchange, judge, steady)
