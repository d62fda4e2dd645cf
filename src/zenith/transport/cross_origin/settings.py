"""Settings of cross-origin access."""

from __future__ import annotations

import re
from typing import Final

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass
from zenith.transport.cross_origin.public_suffixes import is_open_below

ANY: Final = "*"
MAX_AGE: Final = 86_400
MAX_PORT: Final = 65_535
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
DEFAULT_PORTS: Final = {"https": "443", "http": "80"}
_ORIGIN: Final = re.compile(
    r"(?P<scheme>https?)://(?P<any>\*\.)?"
    r"(?P<host>[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*"
    r"|\[[0-9a-f:.]+\])(?::(?P<port>[1-9][0-9]{0,4}))?"
)
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'+.^_`|~-]+")
_METHOD: Final = re.compile(r"[A-Z][A-Z-]{1,30}")
NEVER: Final = frozenset({"TRACE", "TRACK", "CONNECT"})
SCRIPTED_HEADERS: Final = (
    "API-Version",
    "Authorization",
    "Content-Type",
    "DPoP",
    "X-API-Key",
    "X-CSRF-Token",
)
READABLE_HEADERS: Final = (
    "API-Version",
    "Deprecation",
    "Link",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Sunset",
    "WWW-Authenticate",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsSettings:
    """Whose pages may call and read the answers.

    Threat: a page of any site that reads, with the cookies of whoever looks at it, what only they
    may see (ASVS 3.4.2). Raises ConfigurationError for origins that are none, that everybody on the
    network can pose as, and for any that would be open to all together with cookies.
    """

    origins: tuple[str, ...] = ()
    """Origins as browsers write them: `https://app.example.com`, or `https://*.example.com` for
    sub-domains of any depth (not the name itself, and of no domain below which others can have
    names: `co.uk`, `github.io`); `*` alone for data that everybody may read. http only for one's
    own machine. Empty: only routes that `@cors(...)` opens."""
    credentials: bool = False
    """Whether those pages call with the user's cookies. Their changes are then believed like the
    application's own pages', and like those need a CSRF token."""
    methods: tuple[str, ...] = ("GET", "HEAD", "POST")
    """Methods that those pages may use."""
    request_headers: tuple[str, ...] = SCRIPTED_HEADERS
    """Headers that their scripts may send."""
    exposed_headers: tuple[str, ...] = READABLE_HEADERS
    """Headers of answers that their scripts may read."""
    max_age: int = 600
    """Seconds for which browsers remember the answer to a preflight, at most 86400."""

    def __post_init__(self) -> None:
        for origin in self.origins:
            _check_origin(origin)
        if ANY in self.origins and len(self.origins) > 1:
            raise ConfigurationError(
                "cors: origins holds `*` and others", fix="keep `*` alone, or name the origins"
            )
        if ANY in self.origins and self.credentials:
            raise ConfigurationError(
                "cors: every site on the web could read what your users see (`*` with credentials)",
                fix="name the origins, or leave credentials out",
            )
        for method in self.methods:
            if method in NEVER or not _METHOD.fullmatch(method):
                raise ConfigurationError(
                    f"cors: `{method}` in methods is not allowed",
                    fix="name methods in upper case; TRACE, TRACK and CONNECT are never served",
                )
        for name in (*self.request_headers, *self.exposed_headers):
            if not _TOKEN.fullmatch(name):
                raise ConfigurationError(
                    f"cors: `{name}` is no name of a header", fix="name each header, without `*`"
                )
        if not 0 <= self.max_age <= MAX_AGE:
            raise ConfigurationError(
                f"cors: max_age is {self.max_age}", fix=f"give seconds, from 0 to {MAX_AGE}"
            )

    @property
    def trusts_loopback(self) -> bool:
        """Whether whatever serves pages on a user's machine can call with cookies."""
        return self.credentials and any(each.startswith("http:") for each in self.origins)


def _check_origin(origin: str) -> None:
    if origin == ANY:
        return
    match = _ORIGIN.fullmatch(origin)
    if match is None:
        raise ConfigurationError(
            f"cors: `{origin}` in origins is no origin",
            fix="write scheme, host in lower case and port, as browsers do:"
            " https://app.example.com or https://*.example.com; `null` names nobody",
        )
    scheme, host, port = match["scheme"], match["host"], match["port"]
    if port == DEFAULT_PORTS[scheme] or int(port or 1) > MAX_PORT:
        raise ConfigurationError(
            f"cors: no browser writes `{origin}`", fix="leave out the scheme's own port"
        )
    if match["any"] and ("." not in host or host.replace(".", "").isdigit() or is_open_below(host)):
        raise ConfigurationError(
            f"cors: `{origin}` is open to everybody who can have a domain",
            fix="name a domain of your own: https://*.example.com, or the hosts one by one",
        )
    if scheme == "http" and host not in LOOPBACK and not host.endswith(".localhost"):
        raise ConfigurationError(
            f"cors: anybody on the way can write the pages of `{origin}`",
            fix="use https; http is for localhost alone",
        )
