"""Calls ASGI applications as a server would, and nothing else: raw scopes, no HTTP client."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Headers: TypeAlias = list[tuple[bytes, bytes]]
Message: TypeAlias = dict[str, Any]
HOST = b"bench.example"
BROWSER: Headers = [
    (b"host", HOST),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    (b"accept", b"application/json"),
    (b"accept-language", b"en-US,en;q=0.5"),
    (b"accept-encoding", b"gzip, deflate, br"),
    (b"connection", b"keep-alive"),
]
"""What every request carries, whoever answers it."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request, ready to be sent any number of times."""

    method: str = "GET"
    path: str
    headers: Headers = field(default_factory=lambda: list(BROWSER))
    body: bytes = b""

    def scope(self) -> dict[str, Any]:
        """A new scope, as a server makes it for each request."""
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "https",
            "path": self.path,
            "raw_path": self.path.encode("ascii"),
            "query_string": b"",
            "root_path": "",
            "headers": self.headers,
            "client": ("203.0.113.9", 50_000),
            "server": ("127.0.0.1", 443),
            "state": {},
        }

    def as_http(self) -> bytes:
        """The same as bytes on a connection."""
        lines = [f"{self.method} {self.path} HTTP/1.1".encode("ascii")]
        lines += [name + b": " + value for name, value in self.headers]
        return b"\r\n".join([*lines, b"", self.body])


class UnexpectedAnswerError(Exception):
    """An application did not do its work, so its time means nothing."""


async def send_all(app: Any, calls: Sequence[Call]) -> None:
    """Send the calls one after the other; every answer must be 200."""
    statuses: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    for call in calls:
        await app(call.scope(), _receiver(call.body), send)
    if statuses != [200] * len(calls):
        raise UnexpectedAnswerError(f"{calls[0].path}: {sorted(set(statuses))}")


async def answer(app: Any, call: Call) -> tuple[int, Headers, bytes]:
    """Status, headers and body of one call."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    await app(call.scope(), _receiver(call.body), send)
    body = b"".join(message.get("body", b"") for message in messages[1:])
    return messages[0]["status"], list(messages[0]["headers"]), body


def _receiver(body: bytes) -> Any:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        # The client stays: who listens for its leaving beside the handler hears nothing.
        left: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        return await left

    return receive


class Lifespan:
    """Starts an application and stops it, as a server does."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self._task = asyncio.create_task(
            self._app(scope, self._to_app.get, self._from_app.put), name="lifespan"
        )
        await self._ask("startup")

    async def __aexit__(self, *error: object) -> None:
        await self._ask("shutdown")
        if self._task is not None:
            await self._task

    async def _ask(self, what: str) -> None:
        await self._to_app.put({"type": f"lifespan.{what}"})
        message = await self._from_app.get()
        if message["type"] != f"lifespan.{what}.complete":
            raise UnexpectedAnswerError(message.get("message", what)[:1000])
