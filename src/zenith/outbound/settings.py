"""Settings of calls of other servers."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Network
from typing import Final

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.network import parse_networks
from zenith.kernel.records import dataclass
from zenith.outbound.addresses import PREFIX_LENGTHS
from zenith.outbound.hosts import is_pattern, origin_of, read_origin

_PORTS: Final = range(1, 65_536)
MIN_SECONDS: Final = 0.05
MAX_SECONDS: Final = 600.0
MAX_BYTES: Final = 256 * 1024 * 1024
MAX_CONCURRENT: Final = 1_000
MAX_REDIRECTS: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboundSettings:
    """Whom the application may call, and how much an answer may cost. Checked at construction."""

    allowed_hosts: tuple[str, ...] = ()
    """Hosts that are called: names, `*.` with a name for all below it, addresses. Empty: every
    public host. Where it can be known whom the application calls, list them (ASVS 13.2.4)."""

    ports: tuple[int, ...] = (443, 80)
    """Ports that are called."""

    allow_unencrypted: bool = False
    """Lost: with `http:` whoever is on the way reads and rewrites questions and answers. A redirect
    from https to http is never followed."""

    exposed_internal_networks: tuple[str, ...] = ()
    """Lost: whoever chooses a URL reaches these networks too, though they are not public. Metadata
    services stay closed. List `allowed_hosts` beside it."""

    exposed_origins: tuple[str, ...] = ()
    """Lost: servers that are called although they are inside, at that port and with that scheme,
    such as `https://sso.internal:8443`: whoever chooses a URL reaches them too. Metadata services
    stay closed."""

    denied_networks: tuple[str, ...] = ()
    """Networks that are not called although they are public, such as your own."""

    nat64_prefixes: tuple[str, ...] = ()
    """Prefixes by which this network reaches IPv4 over IPv6, if it has others than `64:ff9b::/96`:
    the IPv4 address within is what is judged (RFC 6052)."""

    max_redirects: int = 0
    """How many redirects are followed, each judged like a new call. 0: the redirect is the
    answer (ASVS 15.3.2)."""

    max_answer_bytes: int = 1024 * 1024
    """Bytes of an answer's body, packed and unpacked; one that is larger is an error."""

    connect_timeout: float = 5.0
    """Seconds for looking up the name and connecting, and again for TLS."""

    read_timeout: float = 10.0
    """Seconds that the other end may be silent, or take nothing."""

    total_timeout: float = 30.0
    """Seconds for the whole call: waiting for a place, redirects and the body included."""

    max_concurrent: int = 32
    """Calls at a time; those beyond wait, within their `total_timeout`."""

    user_agent: str = "zenith"
    """What other servers are told of who calls."""

    def __post_init__(self) -> None:
        for host in self.allowed_hosts:
            if not is_pattern(host):
                raise ConfigurationError(
                    f"outbound.allowed_hosts: `{host}` is no host",
                    fix="write api.example.com, *.example.com or an address: lower case, without"
                    " scheme, port and brackets; an international name in its xn-- form",
                )
        if not self.ports or any(port not in _PORTS for port in self.ports):
            raise ConfigurationError(
                "outbound.ports names no port, or what is none",
                fix=f"choose from {_PORTS.start} to {_PORTS.stop - 1}; usual are 443 and 80",
            )
        self._check_networks()
        _check_range("max_redirects", self.max_redirects, 0, MAX_REDIRECTS)
        _check_range("max_answer_bytes", self.max_answer_bytes, 1, MAX_BYTES)
        _check_range("max_concurrent", self.max_concurrent, 1, MAX_CONCURRENT)
        for name in ("connect_timeout", "read_timeout", "total_timeout"):
            _check_range(name, getattr(self, name), MIN_SECONDS, MAX_SECONDS)
        if not self.user_agent.isascii() or not self.user_agent.isprintable():
            raise ConfigurationError(
                "outbound.user_agent is no field value", fix="use printable ASCII characters"
            )

    @property
    def dangers(self) -> tuple[str, ...]:
        """Names of the loosened settings, for the start-up report."""
        names = ("allow_unencrypted", "exposed_internal_networks", "exposed_origins")
        return tuple(name for name in names if getattr(self, name))

    def knowing(self, *urls: str) -> OutboundSettings:
        """These settings for a caller whose URLs the operator has set: where they lead is known to
        be meant. What is learned from the answers is judged like everything else.
        """
        known = [origin for url in urls if (origin := origin_of(url)) is not None]
        origins = dict.fromkeys((*self.exposed_origins, *known))
        return replace(self, allowed_hosts=(), exposed_origins=tuple(origins), max_redirects=0)

    def within(self, seconds: float, *, size: int) -> OutboundSettings:
        """These settings for calls of so many seconds in all, and answers of so many bytes."""
        limit = min(max(seconds, MIN_SECONDS), MAX_SECONDS)
        return replace(
            self,
            connect_timeout=min(limit, self.connect_timeout),
            read_timeout=min(limit, self.read_timeout),
            total_timeout=limit,
            max_answer_bytes=size,
        )

    def _check_networks(self) -> None:
        parse_networks(self.denied_networks, setting="outbound.denied_networks")
        for origin in self.exposed_origins:
            try:
                read_origin(origin)
            except ValueError:
                raise ConfigurationError(
                    f"outbound.exposed_origins: `{origin}` is no origin",
                    fix="write scheme, host and perhaps a port in lower case, and nothing else,"
                    " such as https://sso.internal:8443",
                ) from None
        exposed = parse_networks(
            self.exposed_internal_networks, setting="outbound.exposed_internal_networks"
        )
        if any(network.prefixlen == 0 for network in exposed):
            raise ConfigurationError(
                "outbound.exposed_internal_networks names every address there is",
                fix="name the networks that are meant, such as 10.20.0.0/16",
            )
        for prefix in parse_networks(self.nat64_prefixes, setting="outbound.nat64_prefixes"):
            if not isinstance(prefix, IPv6Network) or prefix.prefixlen not in PREFIX_LENGTHS:
                raise ConfigurationError(
                    f"outbound.nat64_prefixes: `{prefix}` cannot hold an IPv4 address",
                    fix="an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits (RFC 6052)",
                )


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigurationError(
            f"outbound.{name} is {value}", fix=f"choose from {low:g} to {high:g}"
        )
