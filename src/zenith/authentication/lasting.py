"""A caller whose body takes its time, or whose socket stays open: whether the credential still
holds when something has arrived.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeAlias, runtime_checkable

from zenith.authentication.scheme import Scheme
from zenith.kernel.clock import Clock
from zenith.kernel.errors import AuthenticationError, ConflictError, SecurityError
from zenith.kernel.principal import Principal
from zenith.pipeline import Exchange, Message

Judge: TypeAlias = Callable[[Exchange], Awaitable[Principal | None]]
MAX_AGE: Final = 1.0
"""Seconds for which the judgement over a credential is believed, here as everywhere."""


@runtime_checkable
class LastingScheme(Scheme, Protocol):
    """A scheme that can judge a credential once more within its request."""

    async def reconsider(self, exchange: Exchange) -> Principal | None:
        """The principal as it is now, None or AuthenticationError where the credential does not
        hold any more. Nothing is charged, and no proof is asked for that was given and spent.
        """
        ...


class _Lasting:
    """Stands in for `receive`; knows who was recognised, and when that was judged."""

    __slots__ = ("_again", "_exchange", "_judged", "_principal", "_receive", "_steady")

    def __init__(self, exchange: Exchange, judge: Judge, steady: Clock) -> None:
        self._exchange: Final = exchange
        self._receive: Final = exchange.receive
        self._principal: Final = exchange.principal
        self._again: Final = judge
        self._steady: Final = steady
        self._judged = steady()

    async def _judge(self, during: str) -> None:
        """Raise what refuses the caller by now. Frameworks make other answers of what fails here,
        so the pipeline is told.
        """
        refusal: SecurityError | None = None
        try:
            now = await self._again(self._exchange)
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
        if is_end and self._steady() - self._judged >= MAX_AGE:
            await self._judge("the body was on its way")
        return message


class LastingSocket(_Lasting):
    """Stands in for `receive` where the caller of a WebSocket was recognised.

    Threat: a socket that was opened with a stolen credential, and acts on for as long as it is open
    after its owner has signed out, reset the password or been locked (ASVS 7.4.1, 7.4.2). Whoever
    was judged longer ago than `MAX_AGE` is judged again before a message of his is handed over, as
    with each request: a credential that has ended or expired, or stands for something else by now,
    closes the socket, and the client opens another with the one that it has. What the application
    sends by itself is not held back by this.
    """

    __slots__ = ()

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] != "websocket.receive":
            return message
        refusal, now = self._exchange.refusal, self._steady()
        if refusal is not None:
            raise refusal
        if now - self._judged >= MAX_AGE:
            await self._judge("the socket was open")
            self._judged = now
        return message
