"""Security headers of a response, with a content security policy that names a nonce."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

from secure import ContentSecurityPolicy, Secure, StrictTransportSecurity, XFrameOptions
from starlette.responses import Response

from benchmarks.options import Options
from benchmarks.report import Budget, Row
from benchmarks.timing import interleave, repeat
from zenith.headers import SecurityHeaders

TITLE = "Security headers (CPU time for one response)"
ROUNDS = 60


def _ours() -> None:
    nonce = secrets.token_hex(16)
    headers = [(b"content-length", b"54"), (b"content-type", b"application/json")]
    ZENITH.apply(headers, secure=True, nonce=nonce)


def _secure() -> None:
    nonce = secrets.token_urlsafe(16)
    policy = (
        ContentSecurityPolicy()
        .default_src("'self'")
        .script_src("'self'", ContentSecurityPolicy.nonce(nonce))
        .object_src("'none'")
        .frame_ancestors("'none'")
    )
    headers = Secure(csp=policy, hsts=HSTS, xfo=FRAMES)
    headers.set_headers(RESPONSE)


ZENITH = SecurityHeaders()
HSTS, FRAMES = StrictTransportSecurity().max_age(63072000), XFrameOptions().deny()
RESPONSE = Response(b"{}")


async def measure(options: Options) -> AsyncIterator[Row]:
    """Ours against `secure`, whose policy is made anew for each nonce."""
    found = await interleave(
        {"zenith": repeat(_ours), "secure": repeat(_secure)}, rounds=options.rounds(ROUNDS)
    )
    ratio, spread = found.ratio("zenith", "secure")
    yield Row(
        name="all headers, policy with a new nonce",
        ours=found.of("zenith"),
        peer_name="secure",
        peer=found.of("secure"),
        ratio=ratio,
        spread=spread,
        budget=Budget(value=4, of="ours"),
    )
