"""The request body: never larger, slower or stranger than allowed."""

from __future__ import annotations

import asyncio
from typing import Final

from zenith.kernel.errors import (
    BadRequestError,
    PayloadTooLargeError,
    RequestTimeoutError,
    SecurityError,
)
from zenith.pipeline import Exchange, Message
from zenith.transport.json_text import check_json

JSON_TYPES: Final = (b"/json", b"+json")


class GuardedBody:
    """Stands in for `receive`; counts what arrives, and reads JSON whole to check it.

    Threat: bodies that exhaust memory although no length was announced (ASVS 4.3.1, 5.2.1), and
    JSON that breaks its readers. Raises PayloadTooLargeError or BadRequestError; where the body is
    still awaited when the request's time is over, the refusal is a RequestTimeoutError.
    `json_depth` is 0 for what is no JSON.
    """

    __slots__ = ("_depth", "_exchange", "_limit", "_receive", "_size")

    def __init__(self, exchange: Exchange, *, limit: int, json_depth: int) -> None:
        self._exchange: Final = exchange
        self._receive: Final = exchange.receive
        self._limit: Final = limit
        self._depth = json_depth
        self._size = 0

    async def __call__(self) -> Message:
        message = await self._next()
        if not self._depth or message["type"] != "http.request":
            return message
        chunks: list[bytes] = [message.get("body", b"")]
        while message.get("more_body", False):
            message = await self._next()
            if message["type"] != "http.request":
                return message
            chunks.append(message.get("body", b""))
        body = b"".join(chunks) if len(chunks) > 1 else chunks[0]
        try:
            check_json(body, max_depth=self._depth)
        except BadRequestError as error:
            raise self._refuse(error) from None
        self._depth = 0
        return {"type": "http.request", "body": body, "more_body": False}

    async def _next(self) -> Message:
        refusal = self._exchange.refusal
        if refusal is not None:
            raise refusal
        try:
            message = await self._receive()
        except asyncio.CancelledError:
            if self._exchange.timed_out:
                self._exchange.refusal = RequestTimeoutError(reason="body not received in time")
            raise
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            if self._size > self._limit:
                raise self._refuse(PayloadTooLargeError(reason="body larger than allowed"))
        return message

    def _refuse(self, error: SecurityError) -> SecurityError:
        """Frameworks make other answers of what fails here, so the pipeline is told."""
        self._exchange.refusal = error
        return error


def is_json(content_type: bytes) -> bool:
    """Whether frameworks read the body as JSON."""
    return content_type.partition(b";")[0].strip().lower().endswith(JSON_TYPES)
