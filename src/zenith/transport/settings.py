"""Settings of the transport guard."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias, get_args

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.network import parse_networks
from zenith.kernel.records import dataclass

ProxyHeaders: TypeAlias = Literal["x-forwarded", "forwarded"]

KIB: Final = 1024
MIB: Final = 1024 * KIB
DEVELOPMENT_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]", "testserver")
METHODS: Final = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
NEVER: Final = frozenset({"TRACE", "TRACK", "CONNECT"})
_HOST: Final = re.compile(r"(?:(?:\*\.)?[a-z0-9_][a-z0-9_.-]*|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_METHOD: Final = re.compile(r"[A-Z][A-Z-]{1,30}")
_POSITIVE: Final = (
    "max_body_size",
    "max_url_size",
    "max_header_size",
    "max_headers_size",
    "max_headers",
    "max_query_parameters",
    "max_form_fields",
    "max_json_depth",
    "request_timeout",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportSettings:
    """Whom requests may name, what they may look like, how large and how slow they may be.

    Raises ConfigurationError for hosts, networks and methods that are none, and for limits below 1.
    """

    allowed_hosts: tuple[str, ...] = DEVELOPMENT_HOSTS
    """Host names that the application serves: `example.com` (any port), `example.com:8443`,
    `*.example.com` (sub-domains of any depth, not the name itself). The default serves development
    only."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks of the proxies whose headers are believed."""
    proxy_headers: ProxyHeaders = "x-forwarded"
    """Which headers those proxies set: X-Forwarded-For and X-Forwarded-Proto, or Forwarded
    (RFC 7239). The others are ignored: proxies pass them on as the client wrote them."""
    trust_forwarded_host: bool = False
    """Believe what a trusted proxy says of the host: X-Forwarded-Host, or `host` in Forwarded. Only
    where that proxy always sets it."""
    allowed_networks: tuple[str, ...] = ()
    """Networks that may call; empty: all. `allow_networks` narrows it for a route."""
    denied_networks: tuple[str, ...] = ()
    """Networks that may not call, whatever else allows them."""
    https_only: bool = False
    """Redirect navigations over http to https, and refuse everything else over http."""
    methods: tuple[str, ...] = METHODS
    """Methods that the application uses; TRACE, TRACK and CONNECT are never among them."""
    max_body_size: int = MIB
    """Bytes of a request body; a route may allow more with `body_limit` or FastAPI's own
    `max_body_size`."""
    max_url_size: int = 8 * KIB
    """Bytes of path and query together."""
    max_header_size: int = 8 * KIB
    """Bytes of one header, name and value."""
    max_headers_size: int = 32 * KIB
    """Bytes of all headers together."""
    max_headers: int = 100
    """How many headers a request may have."""
    max_query_parameters: int = 200
    """How many parameters a query may have."""
    max_form_fields: int = 1000
    """How many fields and files together a form may have."""
    max_json_depth: int = 64
    """How deep arrays and objects of a JSON body may be nested."""
    request_timeout: float = 30.0
    """Seconds until the response must have begun, looked at once a second; a route may allow more
    with `time_limit`."""

    allow_any_host: bool = False
    """Lost: links, redirects and cache keys made from Host are no longer the application's own."""
    allow_encoded_slashes: bool = False
    """Lost: proxies and the application may disagree on which path `%2F` and `%5C` name."""
    allow_empty_path_segments: bool = False
    """Lost: `//` in paths can slip past path rules of proxies and make redirects leave the site."""

    def __post_init__(self) -> None:
        for name in ("trusted_proxies", "allowed_networks", "denied_networks"):
            parse_networks(getattr(self, name), setting=name)
        if self.proxy_headers not in get_args(ProxyHeaders):
            raise ConfigurationError(
                f"transport: proxy_headers is {self.proxy_headers!r}",
                fix="choose x-forwarded or forwarded",
            )
        if not self.allowed_hosts and not self.allow_any_host:
            raise ConfigurationError(
                "transport: allowed_hosts is empty",
                fix='name the hosts that the application serves: ("app.example.com",)',
            )
        for host in self.allowed_hosts:
            if not _HOST.fullmatch(host):
                raise ConfigurationError(
                    f"transport: `{host}` in allowed_hosts is no host",
                    fix="write it in lower case without scheme or path: app.example.com",
                )
        for method in self.methods:
            if method in NEVER or not _METHOD.fullmatch(method):
                raise ConfigurationError(
                    f"transport: `{method}` in methods is not allowed",
                    fix="name methods in upper case; TRACE, TRACK and CONNECT are never served",
                )
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise ConfigurationError(
                    f"transport: {name} is {getattr(self, name)}", fix="give a figure above 0"
                )

    @property
    def dangers(self) -> tuple[str, ...]:
        """Names of the loosened settings, for the start-up report."""
        names = ("allow_any_host", "allow_encoded_slashes", "allow_empty_path_segments")
        return tuple(name for name in names if getattr(self, name))
