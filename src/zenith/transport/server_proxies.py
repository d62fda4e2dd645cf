"""What the server believes of proxies by itself, before the application is asked."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from typing import Any, Final

from zenith.kernel.errors import ConfigurationError

_log: Final = logging.getLogger("zenith")
BELIEVER: Final = "uvicorn.middleware.proxy_headers"
NOBODY: Final = ()


def forget_server_proxies(*, trusted_proxies: tuple[str, ...]) -> None:
    """End what uvicorn believes of X-Forwarded-For and X-Forwarded-Proto.

    Threat: uvicorn rewrites address and scheme of a request by these headers before the application
    sees it, by default on connections from its own machine, and with `FORWARDED_ALLOW_IPS=*` on
    all. Where the proxy sets others (Forwarded), or none, they are the client's own words (ASVS
    4.1.3, 15.3.4). Looks for what stands around the application while it is started.

    Raises ConfigurationError where networks were named to uvicorn and none to the application:
    all clients would have the proxy's address.
    """
    for believer in _believers():
        if believer.trusted_hosts == NOBODY:
            continue
        named = _named(believer.trusted_hosts)
        if named and not trusted_proxies:
            raise ConfigurationError(
                f"uvicorn is told to believe forwarding headers from {named}",
                fix="name these proxies in transport.trusted_proxies"
                " (ZENITH_TRANSPORT__TRUSTED_PROXIES) instead of FORWARDED_ALLOW_IPS"
                " and --forwarded-allow-ips",
            )
        believer.trusted_hosts = NOBODY
        _log.log(
            logging.WARNING if named else logging.INFO,
            "uvicorn believes forwarding headers no more (it did from %s):"
            " transport.trusted_proxies alone says whose count",
            named or "its own machine",
        )


def _believers() -> Iterator[Any]:
    """The middlewares of uvicorn through which the start was called."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == BELIEVER:
            found = frame.f_locals.get("self")
            if hasattr(found, "trusted_hosts"):
                yield found
        frame = frame.f_back


def _named(hosts: Any) -> str:
    """Whom somebody has named to the server; empty where it believes its own machine, which is its
    default.
    """
    if getattr(hosts, "always_trust", False):
        return "everybody"
    known = (*getattr(hosts, "trusted_hosts", ()), *getattr(hosts, "trusted_networks", ()))
    named = [str(each) for each in known if not each.is_loopback]
    return ", ".join(sorted([*named, *getattr(hosts, "trusted_literals", ())]))
