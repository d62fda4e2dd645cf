"""How a refusal leaves: as a problem, as a page, as a way to the sign-in, or as a closed socket."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from zenith.kernel.errors import ConfigurationError, SecurityError
from zenith.kernel.problem import Problem, prefers_html
from zenith.kernel.records import dataclass
from zenith.pipeline.exchange import EXCHANGE_KEY, Exchange, Receive, Scope, Send

POLICY_VIOLATION: Final = 1008
NO_CONTENT: Final = 204
UNAUTHORIZED: Final = 401
MISDIRECTED: Final = 421
SEE_OTHER: Final = 303


@dataclass(frozen=True, slots=True)
class SignInPage:
    """A service of applications with pages: where a person without a session is led."""

    path: str
    """Path of this application; `next` is added, a path of this application too."""


@dataclass(frozen=True, slots=True)
class PageStyle:
    """A service of applications with pages: how the page of a refusal looks."""

    stylesheet: str
    """Path of a style sheet of this application."""
    icon: str = ""
    """Path of its icon; without one browsers ask for `/favicon.ico`."""


_UNSTYLED: Final = PageStyle("")


async def refuse(exchange: Exchange, problem: Problem, send: Send) -> None:
    """Send the refusal in the form that the client can read."""
    if exchange.is_websocket:
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": problem.title})
        return
    if problem.status == NO_CONTENT:
        # What ends a request without a refusal, such as the answer to a preflight.
        await send({"type": "http.response.start", "status": NO_CONTENT, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    as_html = prefers_html(exchange.headers)
    if as_html and problem.status == UNAUTHORIZED and await _led_to_sign_in(exchange, send):
        return
    style = _style(exchange, problem)
    status, headers, body = problem.render(
        request_id=exchange.request_id,
        as_html=as_html,
        stylesheet=style.stylesheet,
        icon=style.icon,
    )
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if exchange.method == "HEAD" else body})


def _style(exchange: Exchange, problem: Problem) -> PageStyle:
    style = exchange.services.get(PageStyle)
    # Under a host name that is not ours the style sheet would be refused too.
    if not isinstance(style, PageStyle) or problem.status == MISDIRECTED:
        return _UNSTYLED
    return style


async def _led_to_sign_in(exchange: Exchange, send: Send) -> bool:
    page = exchange.services.get(SignInPage)
    if not isinstance(page, SignInPage) or not exchange.is_safe or exchange.path == page.path:
        return False
    location = f"{page.path}?next={quote(exchange.address)}".encode("ascii")
    headers = [(b"location", location), (b"content-length", b"0"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": SEE_OTHER, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
    return True


async def respond(connection: Any, error: Exception) -> Any:
    """Exception handler for Starlette and FastAPI: a refusal, rendered like any other."""
    if not isinstance(error, SecurityError):
        raise error
    exchange = connection.scope.get(EXCHANGE_KEY)
    if exchange is None:
        raise ConfigurationError("a refusal was raised outside the security pipeline") from error
    exchange.failure = error
    return ProblemResponse(exchange, Problem.of(error))


class ProblemResponse:
    """A response in the shape that Starlette calls: an ASGI application."""

    def __init__(self, exchange: Exchange, problem: Problem) -> None:
        self._exchange: Final = exchange
        self._problem: Final = problem

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await refuse(self._exchange, self._problem, send)
