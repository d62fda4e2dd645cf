"""What is counted under one key: who calls, from where, or the application's own idea of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from ipaddress import IPv6Address, ip_network
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from starlette.requests import HTTPConnection

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.network import client_key, parse_address
from zenith.pipeline import Exchange

Per: TypeAlias = Literal[
    "address", "network", "principal", "account", "api_key", "tenant", "everyone"
]
KeyFunction: TypeAlias = Callable[[HTTPConnection], str]
"""Takes the request, gives the key. The body cannot be read there: it has not come yet."""
CostFunction: TypeAlias = Callable[[HTTPConnection], int]
"""Takes the request, gives what it costs; 0 for nothing."""
Exemption: TypeAlias = Callable[[HTTPConnection], bool]
"""Takes the request, says whether a limit leaves it alone."""
KeyOf: TypeAlias = Callable[[Exchange], str]
Prefixes: TypeAlias = tuple[int, int]

NETWORK: Final[Prefixes] = (24, 48)
"""Bits of IPv4 and IPv6 addresses that one network shares: the least that is routed by itself."""
IPV4_BITS: Final = 32
IPV6_BITS: Final = 128


@lru_cache(maxsize=4096)
def network_key(address: str, prefixes: Prefixes = NETWORK) -> str:
    """The network that `address` lies in; the address itself where it cannot be read."""
    parsed = parse_address(address)
    if parsed is None:
        return address
    return str(ip_network((parsed, prefixes[isinstance(parsed, IPv6Address)]), strict=False))


def check_prefixes(prefixes: object, *, setting: str) -> None:
    """Raise ConfigurationError for what is no pair of IPv4 and IPv6 prefix lengths."""
    match prefixes:
        case (int() as four, int() as six) if 1 <= four <= IPV4_BITS and 1 <= six <= IPV6_BITS:
            return
        case _:
            raise ConfigurationError(
                f"{setting} is {prefixes!r}", fix="give bits of IPv4 and IPv6, such as (24, 48)"
            )


def check_places(at_most: object, *, setting: str) -> None:
    """Raise ConfigurationError for anything but a whole number of 1 or more."""
    if type(at_most) is not int or at_most < 1:
        raise ConfigurationError(
            f"{setting} is {at_most!r}", fix="give a whole number of 1 or more"
        )


def check_cost(cost: object, *, least: int = 1) -> None:
    """Raise ValueError for anything but a whole number: fractions would go into the counters, or
    into a script that fails by them, as if Redis were away.
    """
    if type(cost) is not int or cost < least:
        raise ValueError(f"a hit costs at least {least}, in whole numbers")


def _address(exchange: Exchange) -> str:
    return client_key(exchange.client)


def _everyone(exchange: Exchange) -> str:
    del exchange
    return ""


def _principal(exchange: Exchange) -> str:
    principal = exchange.principal
    # Nobody escapes a limit per account by not signing in.
    if not principal.is_authenticated:
        return client_key(exchange.client)
    return f"{principal.kind}:{principal.subject}"


def _account(exchange: Exchange) -> str:
    owner = exchange.principal.owner
    return _principal(exchange) if owner is None else f"user:{owner}"


def _api_key(exchange: Exchange) -> str:
    is_key = exchange.principal.kind == "api_key"
    return _principal(exchange) if is_key else client_key(exchange.client)


def _tenant(exchange: Exchange) -> str:
    tenant = exchange.principal.tenant
    return _principal(exchange) if tenant is None else f"tenant:{tenant}"


_KEYS: Final[Mapping[Per, KeyOf]] = MappingProxyType(
    {
        "address": _address,
        "network": _address,
        "everyone": _everyone,
        "principal": _principal,
        "account": _account,
        "api_key": _api_key,
        "tenant": _tenant,
    }
)
EARLY: Final = frozenset({"address", "network", "everyone"})
"""What is known before it is known who calls."""


def key_per(per: Per, *, prefixes: Prefixes = NETWORK) -> KeyOf:
    """What finds the key of a request. Raises ConfigurationError for an unknown word."""
    found = _KEYS.get(per)
    if found is None:
        raise ConfigurationError(
            f"a limit per {per!r} does not exist", fix="choose " + ", ".join(_KEYS)
        )
    if per == "network":
        check_prefixes(prefixes, setting="prefixes")
        return partial(_network, prefixes)
    return found


def _network(prefixes: Prefixes, exchange: Exchange) -> str:
    return network_key(exchange.client, prefixes)


def connection_of(exchange: Exchange) -> HTTPConnection:
    """The request as functions of the application see it. `request.client` is the client that
    trusted proxies name.
    """
    scope = exchange.scope
    peer = scope.get("client")
    if peer is None or peer[0] != exchange.client:
        scope = {**scope, "client": (exchange.client, peer[1] if peer else 0)}
    return HTTPConnection(scope)


def own_key(function: KeyFunction, exchange: Exchange) -> str:
    """The key that `function` gives.

    Raises ConfigurationError where it gives no text or an empty one: a limit whose key is missing
    would be one for everybody or for nobody.
    """
    key = function(connection_of(exchange))
    if type(key) is not str or not key:
        raise ConfigurationError(
            f"the key function of a rate limit returned {type(key).__name__}, or empty text",
            fix="return a text that is never empty",
        )
    return f"own:{key}"


def own_cost(function: CostFunction, exchange: Exchange) -> int:
    """The cost that `function` gives; raises ConfigurationError for anything but 0 or more."""
    cost = function(connection_of(exchange))
    if type(cost) is not int or cost < 0:
        raise ConfigurationError(
            f"the cost function of a rate limit returned {cost!r}",
            fix="return a whole number, 0 or more",
        )
    return cost
