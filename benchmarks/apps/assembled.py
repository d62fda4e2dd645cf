"""FastAPI with the usual parts, each as its own documentation shows it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from itertools import count as count_from
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from secure import Secure
from slowapi import Limiter
from slowapi.middleware import SlowAPIMiddleware
from slowapi.util import get_remote_address
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette_csrf.middleware import CSRFMiddleware

from benchmarks.apps.shop import (
    SECRET,
    create_item,
    get,
    get_with_token,
    post,
    read_item,
)
from benchmarks.driver import HOST, Call, answer

CSRF_COOKIE = "csrftoken"
PERMISSION = "posts:read"
_bearer = HTTPBearer()
_secure = Secure.with_default_headers()


def issue(number: int) -> str:
    """An access token; each number makes another one."""
    now = int(time.time())
    claims = {
        "iss": "zenith",
        "aud": "zenith",
        "sub": f"account-{number % 1000}",
        "iat": now,
        "exp": now + 900,
        "jti": f"token-{number:017}",
        "roles": ["user"],
        "permissions": [PERMISSION],
    }
    return jwt.encode(claims, SECRET, algorithm="HS256")


async def current_user(
    credentials: Annotated[HTTPAuthorizationCredentials, Depends(_bearer)],
) -> dict[str, Any]:
    try:
        claims = jwt.decode(
            credentials.credentials,
            SECRET,
            algorithms=["HS256"],
            audience="zenith",
            issuer="zenith",
        )
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, "Invalid token") from error
    if PERMISSION not in claims["permissions"]:
        raise HTTPException(403, "Permission denied")
    return claims


async def session_user(request: Request) -> str:
    user = request.session.get("user")
    if user is None:
        raise HTTPException(401, "Sign in first")
    return str(user)


async def sign_in(request: Request) -> dict[str, str]:
    request.session["user"] = "account-0"
    return {"status": "signed in"}


async def secure_headers(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    await _secure.set_headers_async(response)
    return response


class Assembled:
    """slowapi, starlette-csrf, secure, TrustedHost, SessionMiddleware and a PyJWT dependency."""

    def __init__(self) -> None:
        self.app = FastAPI(openapi_url=None)
        self.app.state.limiter = Limiter(
            key_func=get_remote_address, default_limits=["100000000/minute"]
        )
        self.app.add_middleware(SessionMiddleware, secret_key=SECRET, https_only=True)
        self.app.add_middleware(CSRFMiddleware, secret=SECRET, cookie_secure=True)
        self.app.add_middleware(SlowAPIMiddleware)
        self.app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST.decode("ascii")])
        self.app.middleware("http")(secure_headers)
        self.app.get("/items/{item_id}", dependencies=[Depends(current_user)])(read_item)
        self.app.post("/items", dependencies=[Depends(session_user)])(create_item)
        self.app.get("/sign-in")(sign_in)
        self._cookies: dict[str, str] = {}
        self._numbers = count_from(1)

    async def start(self) -> None:
        """Sign in, to have a session and what proves one's own page."""
        for path in ("/sign-in", "/sign-in"):
            cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
            more = [(b"cookie", cookies.encode("ascii"))] if cookies else []
            headers = await cookies_from(self.app, get(*more, path=path))
            self._cookies |= headers

    async def stop(self) -> None:
        """Nothing is held."""

    def seen(self) -> Call:
        return get_with_token(issue(0))

    def unseen(self, count: int) -> list[Call]:
        return [get_with_token(issue(next(self._numbers))) for _ in range(count)]

    def change(self) -> Call:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return post(
            (b"cookie", cookies.encode("ascii")),
            (b"x-csrftoken", self._cookies[CSRF_COOKIE].encode("ascii")),
        )


async def cookies_from(app: Any, call: Call) -> dict[str, str]:
    """The cookies that an answer sets."""
    _, headers, _ = await answer(app, call)
    found: dict[str, str] = {}
    for name, value in headers:
        if name == b"set-cookie":
            key, _, content = value.decode("ascii").partition(";")[0].partition("=")
            found[key] = content
    return found
