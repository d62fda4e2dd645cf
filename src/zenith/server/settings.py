"""Settings of the server: how slow connections may be, and how many."""

from __future__ import annotations

from dataclasses import fields
from math import isfinite
from typing import Final

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass

MIB: Final = 1024 * 1024
_FROM_ZERO: Final = frozenset({"drain_delay"})
_LIFTED: Final = (
    "head_timeout",
    "body_timeout",
    "answer_timeout",
    "max_connections",
    "max_connections_per_address",
    "websocket_idle_timeout",
)
"""What may be None, in the order of the start-up report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What a connection may cost, held by `zenith serve` and by the protocols of `zenith.server`.

    All times are seconds and are looked at once a second: a connection may last a second longer.
    A limit that is None is lifted, which the start-up report says. Raises ConfigurationError for
    figures that are not above 0.
    """

    head_timeout: float | None = 10.0
    """For request line and headers, from the connection on or from their first byte."""
    body_timeout: float | None = 10.0
    """In this time `min_rate` times as many bytes of a body must come, again and again."""
    answer_timeout: float | None = 30.0
    """In this time `min_rate` times as many bytes of an answer must be taken, again and again, as
    long as some wait to be."""
    min_rate: int = 240
    """Bytes a second, of bodies and answers alike."""
    keep_alive: float = 15.0
    """Between two requests on one connection."""
    max_connections: int | None = 10_000
    """Open at once, in one process; fewer where the operating system allows fewer open files.
    Whoever comes then is told 503."""
    max_connections_per_address: int | None = 200
    """Open at once from one address (IPv6: one /64), in one process; whoever opens more is told
    429. The trusted proxies of `transport` are exempt: they speak for many."""
    websocket_handshake_timeout: float = 30.0
    """For the application to accept a WebSocket or not."""
    websocket_max_message: int = MIB
    """Bytes of one message, unpacked."""
    websocket_ping_interval: float = 20.0
    """Between two pings."""
    websocket_ping_timeout: float = 20.0
    """For the answer to a ping."""
    websocket_idle_timeout: float | None = 3600.0
    """Without a message in either direction; pings are none."""
    tls_handshake_timeout: float = 10.0
    """For the TLS handshake, where `zenith serve` speaks TLS itself."""
    drain_delay: float = 0.0
    """After SIGTERM, how long `/readyz` answers 503 while all else is still served, so that load
    balancers look elsewhere before the port is closed. 0: the port is closed at once."""
    shutdown_timeout: float = 30.0
    """After that, how long requests that were accepted may take to finish."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is None:
                continue
            if not isfinite(value) or value < 0 or (value == 0 and each.name not in _FROM_ZERO):
                raise ConfigurationError(
                    f"server: {each.name} is {value}", fix="give a figure above 0"
                )

    @property
    def dangers(self) -> tuple[str, ...]:
        """Names of the limits that are lifted, for the start-up report."""
        return tuple(name for name in _LIFTED if getattr(self, name) is None)

    @property
    def look_every(self) -> float:
        """Seconds between two looks at the connections: one, or less where a limit is short."""
        times = (
            self.head_timeout,
            self.body_timeout,
            self.answer_timeout,
            self.keep_alive,
            self.websocket_handshake_timeout,
            self.websocket_idle_timeout,
        )
        return min(1.0, *(each / 4 for each in times if each is not None))
