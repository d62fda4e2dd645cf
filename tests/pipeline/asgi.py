"""Bare ASGI requests, for what no HTTP client would send."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from zenith.kernel.principal import ANONYMOUS
from zenith.pipeline import Exchange, Guard, Stage


def make_scope(
    method="GET", path="/", *, headers=(), query=b"", raw_path=None, client="203.0.113.9", **more
):
    """An HTTP scope as a server makes it; `headers` are text pairs or raw ones."""
    raw = [(_raw(name).lower(), _raw(value)) for name, value in headers]
    if not any(name == b"host" for name, _ in raw):
        raw.insert(0, (b"host", b"localhost"))
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("utf-8") if raw_path is None else raw_path,
        "query_string": query,
        "root_path": "",
        "headers": raw,
        "client": (client, 50_000) if client else None,
        "server": ("localhost", 80),
    } | more


def websocket_scope(path="/", **more):
    scope = make_scope(path=path, **more) | {"type": "websocket", "scheme": "ws"}
    del scope["method"]
    return scope | {"scheme": more.get("scheme", "ws"), "subprotocols": []}


def make_exchange(*args, body=(), principal=ANONYMOUS, host="", **scope):
    exchange = Exchange(make_scope(*args, **scope), receiver(*body))
    exchange.principal, exchange.host = principal, host
    return exchange


def receiver(*chunks):
    """A `receive` that gives the chunks, then says that the client is gone."""
    messages = [
        {"type": "http.request", "body": chunk, "more_body": index < len(chunks)}
        for index, chunk in enumerate(chunks, start=1)
    ]

    async def receive():
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    return receive


@dataclass
class Answer:
    messages: list = field(default_factory=list)

    async def send(self, message):
        self.messages.append(message)

    @property
    def status(self):
        return self.messages[0]["status"]

    @property
    def headers(self):
        return dict(self.messages[0]["headers"])

    @property
    def body(self):
        return b"".join(message.get("body", b"") for message in self.messages[1:])


async def ask(app, scope, *chunks):
    """What `app` answers to the scope with a body of these chunks."""
    answer = Answer()
    await app(scope, receiver(*chunks), answer.send)
    return answer


async def connect(app, scope):
    """What `app` answers to a WebSocket handshake."""
    answer = Answer()
    messages = [{"type": "websocket.connect"}]

    async def receive():
        return messages.pop(0) if messages else {"type": "websocket.disconnect", "code": 1000}

    await app(scope, receive, answer.send)
    return answer


def client(app, base="http://localhost", **options):
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=base, **options)


async def hello(scope, receive, send):
    """The smallest application: reads its body and gives it back."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1000})
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body or b"hello"})


class SignedInAs(Guard):
    """Stands in for authentication."""

    stage = Stage.AUTHENTICATION

    def __init__(self, principal):
        self.principal = principal

    async def on_request(self, exchange):
        exchange.principal = self.principal


def _raw(text):
    return text if isinstance(text, bytes) else text.encode("latin-1")
