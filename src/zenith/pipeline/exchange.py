"""One request and its response, as the guards see it."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextvars import ContextVar
from re import Match
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar
from urllib.parse import quote

from zenith.kernel.errors import ConfigurationError, SecurityError
from zenith.kernel.keys import new_id
from zenith.kernel.network import UNKNOWN
from zenith.kernel.principal import ANONYMOUS, Principal
from zenith.kernel.problem import RawHeaders
from zenith.kernel.trace import TRACEPARENT, trace_id_of
from zenith.pipeline.heads import Head
from zenith.pipeline.marks import Mark

if TYPE_CHECKING:
    from zenith.pipeline.routes import RouteEntry

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

EXCHANGE_KEY: Final = "zenith.exchange"
NEVER: Final = float("inf")
SECURE_SCHEMES: Final = frozenset({"https", "wss"})
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
M = TypeVar("M", bound=Mark)
T = TypeVar("T")
Settle: TypeAlias = Callable[[int | None], Awaitable[None] | None]
Still: TypeAlias = Callable[[], Awaitable[bool]]
NO_SERVICES: Final[Mapping[type, Any]] = MappingProxyType({})

current_exchange: ContextVar[Exchange] = ContextVar("zenith_exchange")
"""The exchange that the running task serves; set by the pipeline alone."""


class Exchange:
    """One request on its way in and its response on its way out.

    Guards read and write the attributes; nothing here outlives the request.
    """

    scope: Final[Scope]
    services: Final[Mapping[type, Any]]
    """What the application offers to dependencies and handlers, by type."""
    receive: Receive
    """Guards may replace it, to count or to replay the body."""
    head: Final[Head]
    """What this request has in common with others of the same headers."""
    headers: Mapping[bytes, bytes]
    """Names in lower case. Of a repeated header the last counts; the transport guard refuses
    repetitions where they are ambiguous."""
    path: Final[str]
    root_path: Final[str]
    method: Final[str]
    """The HTTP method; GET for a WebSocket handshake."""
    client: str
    """The client's address; the transport guard looks behind trusted proxies."""
    secure: bool
    is_websocket: Final[bool]
    """Whether this is a WebSocket handshake."""
    principal: Principal = ANONYMOUS
    failure: SecurityError | None = None
    """Why a credential that came along did not hold; raised where one is required."""
    refusal: SecurityError | None = None
    """A refusal that came up while the application ran, such as a body that grew too large. It
    replaces whatever the application answers: frameworks make other errors of it."""
    is_origin_admitted: bool = False
    """Whether cross-origin access lets pages of this request's Origin send this change, with the
    cookies that it carries."""
    entry: RouteEntry | None = None
    """The route that was decided upon, where it may be called without a further search."""
    admitted: tuple[object, Principal] | None = None
    """The declaration that has admitted the principal, and which one that was."""
    match: Match[str] | None = None
    """How its path matched, where the route is called without asking it again."""
    route: str = ""
    """Path template of the route, empty where none is known."""
    marks: tuple[Mark, ...] = ()
    """What the route declares."""
    max_body_size: int | None = None
    """Bytes of a body that the route itself names: FastAPI's `max_body_size`."""
    deadline: float = NEVER
    """On the steady clock: when the application is stopped unless its response has begun."""
    timed_out: bool = False
    """Whether the deadline has passed and the application was told to stop."""
    started: bool = False
    """Whether the response has begun, or the handshake was accepted."""
    status: int = 0
    response_headers: RawHeaders
    """Empty until the response starts."""
    state: dict[Any, Any]
    """For what a guard remembers between its two hooks; the guard's class is the key."""
    host: str = ""
    """Host name and port as the transport guard accepted them."""
    settle: Settle | None = None
    """Called with the status before anything of the answer is sent, and at the end with None; what
    it refuses, such as a transaction that cannot be kept, replaces the answer."""
    still: Still | None = None
    """Asked before anything more of a socket or a stream leaves: whether the caller may have it."""
    _request_id: str | None = None
    _nonce: str | None = None

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        services: Mapping[type, Any] = NO_SERVICES,
        head: Head | None = None,
    ) -> None:
        # What most requests leave as it is has its value from the class.
        self.scope = scope
        self.services = services
        self.receive = receive
        self.head = head = head or Head(scope["headers"])
        self.headers = head.headers
        self.path = scope["path"]
        self.root_path = scope.get("root_path", "")
        self.method = scope.get("method", "GET")
        peer = scope.get("client")
        self.client = peer[0] if peer else UNKNOWN
        self.secure = scope.get("scheme", "http") in SECURE_SCHEMES
        self.is_websocket = scope["type"] == "websocket"
        self.response_headers = []
        self.state = {}

    @property
    def is_safe(self) -> bool:
        """Whether the method promises to change nothing (RFC 9110 section 9.2.1)."""
        return self.method in SAFE_METHODS and not self.is_websocket

    @property
    def address(self) -> str:
        """Path and query as they were sent: decoded, they may name something else, or what no
        address can hold. It begins with one slash: browsers take what follows two for a host.
        """
        scope = self.scope
        raw: bytes = scope.get("raw_path") or quote(self.path, errors="replace").encode("ascii")
        query: str = scope.get("query_string", b"").decode("latin-1")
        path = "/" + raw.partition(b"?")[0].decode("latin-1").lstrip("/")
        return f"{path}?{query}" if query else path

    @property
    def request_id(self) -> str:
        """A random id, made when first asked for. A client's own id is never believed."""
        if self._request_id is None:
            self._request_id = new_id()
        return self._request_id

    @property
    def trace_id(self) -> str | None:
        """The trace that the client says this request belongs to, if it says so well."""
        header = self.headers.get(TRACEPARENT)
        return None if header is None else trace_id_of(header)

    @property
    def nonce(self) -> str:
        """The CSP nonce of this response, made when first asked for: 128 random bits."""
        if self._nonce is None:
            self._nonce = os.urandom(16).hex()
        return self._nonce

    @property
    def nonce_used(self) -> bool:
        """Whether the page asked for its nonce."""
        return self._nonce is not None

    def header(self, name: bytes) -> str:
        """A request header as text, empty where absent. `name` is in lower case."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def cookies(self) -> Mapping[str, str]:
        """Request cookies. Of a repeated name the first counts: browsers send the one with the
        longest path first, and a sub-domain cannot place another before a `__Host-` cookie.
        """
        found = self.head.cookies
        if found is None:
            found = self.head.cookies = _parse_cookies(self.scope["headers"])
        return found

    def inherit(self, outer: Exchange) -> None:
        """Take over who calls from the pipeline around this one, where this one asks nobody.

        A pipeline that authenticates never does so: its callers are its own.
        """
        self.principal, self.failure = outer.principal, outer.failure
        self.client, self.secure, self.host = outer.client, outer.secure, outer.host

    def service(self, kind: type[T]) -> T:
        """The application's service of this type; ConfigurationError if it has none."""
        found = self.services.get(kind)
        if not isinstance(found, kind):
            raise ConfigurationError(
                f"this application offers no {kind.__name__}",
                fix="use Zenith(), or hand it over: SecurityMiddleware(..., services={...})",
            )
        return found

    def mark(self, kind: type[M]) -> M | None:
        """The last mark of `kind` on the route, or None."""
        for mark in reversed(self.marks):
            if isinstance(mark, kind):
                return mark
        return None


def exchange_of(scope: Scope) -> Exchange:
    """The exchange that serves `scope`.

    Raises ConfigurationError where no pipeline runs: then nothing is known of the caller, and
    whoever asks must not go on.
    """
    exchange = scope.get(EXCHANGE_KEY)
    if not isinstance(exchange, Exchange):
        raise ConfigurationError(
            "an access declaration was reached outside the security pipeline",
            fix="wrap the application: SecurityMiddleware(app, guards=[...]), or use Zenith()",
        )
    return exchange


def running_exchange() -> Exchange:
    """The exchange of the running task; raises ConfigurationError where no pipeline runs."""
    try:
        return current_exchange.get()
    except LookupError:
        return exchange_of({})


def _parse_cookies(headers: RawHeaders) -> dict[str, str]:
    cookies: dict[str, str] = {}
    for name, value in headers:
        if name != b"cookie":
            continue
        for pair in value.decode("latin-1").split(";"):
            key, separator, content = pair.partition("=")
            key = key.strip(" \t")
            if separator and key:
                cookies.setdefault(key, content.strip(' \t"'))
    return cookies
