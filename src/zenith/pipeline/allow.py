"""`Allow` on a 405: every method of the path."""

from __future__ import annotations

from typing import Final

from zenith.pipeline.exchange import Message, Scope, Send
from zenith.pipeline.routes import RouteTable

METHOD_NOT_ALLOWED: Final = 405
ALLOW: Final = b"allow"


class AllMethods:
    """Stands in for `send` where no route serves the request. Frameworks name the methods of the
    first route with this path; the resource may have more (RFC 9110 section 15.5.6).
    """

    __slots__ = ("_scope", "_send", "_table")

    def __init__(self, scope: Scope, send: Send, table: RouteTable) -> None:
        # Mounts write into it where they hand it on.
        self._scope: Final = {**scope}
        self._send: Final = send
        self._table: Final = table

    async def __call__(self, message: Message) -> None:
        if message.get("status") == METHOD_NOT_ALLOWED and (
            methods := self._table.methods(self._scope)
        ):
            allow = (ALLOW, ", ".join(sorted(methods)).encode("ascii"))
            message["headers"] = [
                allow if field[0].lower() == ALLOW else field for field in message["headers"]
            ]
        await self._send(message)
