"""Zenith around a bare ASGI callable: no framework at all.

uvicorn examples.bare_asgi:protected
"""

from zenith import SecurityMiddleware, public
from zenith.authorization import AuthorizationGuard
from zenith.headers import HeadersGuard
from zenith.pipeline import Receive, Scope, Send
from zenith.rate_limits import RateLimiter, RateLimitGuard
from zenith.stores.memory import MemoryRateLimitStore
from zenith.transport import TransportGuard


@public
async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        raise RuntimeError(f"this application knows no {scope['type']}")
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"Hello"})


protected = SecurityMiddleware(
    app,
    guards=[
        HeadersGuard(),
        TransportGuard(),
        RateLimitGuard(RateLimiter(MemoryRateLimitStore())),
        AuthorizationGuard(),
    ],
)
