"""Reads a form's beginning for its token, and gives the handler every byte of it again."""

from __future__ import annotations

from collections import deque
from typing import Final

from zenith.csrf.form import FieldFinder, finder_for
from zenith.csrf.settings import CsrfSettings
from zenith.pipeline import Exchange, Message, Receive


class ReplayedBody:
    """Stands in for `receive`: first what was already read, then what is still to come."""

    __slots__ = ("_read", "_receive")

    def __init__(self, receive: Receive) -> None:
        self._receive: Final = receive
        self._read: Final[deque[Message]] = deque()

    async def __call__(self) -> Message:
        return self._read.popleft() if self._read else await self._receive()

    async def find(self, finder: FieldFinder, *, limit: int) -> str | None:
        """Read until the field is found, the body ends or `limit` bytes were read."""
        size, more = 0, True
        while more and finder.value is None and size <= limit:
            message = await self._receive()
            self._read.append(message)
            data: bytes = message.get("body", b"")
            size += len(data)
            more = message.get("more_body", False)
            finder.feed(data)
        if not more:
            finder.close()
        return finder.value


async def form_token(exchange: Exchange, settings: CsrfSettings) -> str | None:
    """The token in the form that is being sent, None for bodies that are no form or hold none."""
    finder = finder_for(exchange.headers.get(b"content-type", b""), settings.field_name)
    if finder is None:
        return None
    body = ReplayedBody(exchange.receive)
    exchange.receive = body
    return await body.find(finder, limit=settings.max_form_size)
