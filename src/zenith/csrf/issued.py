"""What a response must carry because a token was issued for its page."""

from __future__ import annotations

import re
from typing import Final

from zenith.kernel.keys import new_token
from zenith.kernel.problem import RawHeaders

_ANONYMOUS: Final = re.compile(r"[A-Za-z0-9_-]{43}")


def anonymous_id(cookie: str | None) -> str | None:
    """The cookie's value if it has the shape of ours."""
    return cookie if cookie is not None and _ANONYMOUS.fullmatch(cookie) else None


class Issued:
    """Remembers, until the response starts, that its page shows a token."""

    __slots__ = ("_cookie",)

    def __init__(self) -> None:
        self._cookie: str | None = None

    def new_cookie(self) -> str:
        """The random value that tokens before sign-in are bound to; one per response."""
        if self._cookie is None:
            self._cookie = new_token()
        return self._cookie

    def apply(self, headers: RawHeaders, cookie_name: str, secure: bool) -> None:
        """No cache may hand the token to somebody else (ASVS 14.3.2)."""
        headers[:] = [pair for pair in headers if pair[0].lower() != b"cache-control"]
        headers += [(b"cache-control", b"no-store"), (b"vary", b"Cookie")]
        if self._cookie is not None:
            flags = "; Secure" if secure else ""
            cookie = f"{cookie_name}={self._cookie}; Path=/; HttpOnly; SameSite=Lax{flags}"
            headers.append((b"set-cookie", cookie.encode("ascii")))
