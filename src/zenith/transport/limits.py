"""What one route allows beyond the application's limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import Mark, add_mark
from zenith.transport.networks import NetworkList, NetworkMark
from zenith.transport.settings import TransportSettings

T = TypeVar("T")


class BodyLimit(Mark):
    """Bytes that the body of one route may have."""

    __slots__ = ("size",)

    def __init__(self, size: int) -> None:
        if size < 0:
            raise ConfigurationError(f"body_limit({size})", fix="give bytes, 0 or more")
        self.size: Final = size


class TimeLimit(Mark):
    """Seconds that one route may take until its response begins."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        if not seconds > 0:
            raise ConfigurationError(f"time_limit({seconds})", fix="give seconds above 0")
        self.seconds: Final = seconds


def body_limit(size: int) -> Callable[[T], T]:
    """Another limit for one route's body, in bytes: `@body_limit(50 * 1024 * 1024)` for files.

    Threat: one upload route that raises the limit for all (ASVS 5.2.1). FastAPI's own
    `max_body_size` on a route is honoured too; this one works on any route and counts before it.
    Raises ConfigurationError for a negative size.
    """
    mark = BodyLimit(size)
    return lambda target: add_mark(target, mark)


def time_limit(seconds: float) -> Callable[[T], T]:
    """Another time limit for one route, in seconds until the response begins.

    Raises ConfigurationError for a figure that is not above 0.
    """
    mark = TimeLimit(seconds)
    return lambda target: add_mark(target, mark)


class RouteLimits(NamedTuple):
    """What holds for one route."""

    size: int
    """Bytes of the body."""
    seconds: float
    """Until the response must have begun."""
    networks: tuple[NetworkList, ...]
    """Lists that all have to admit the client."""


def limits_of(
    settings: TransportSettings,
    networks: tuple[NetworkList, ...],
    marks: tuple[Mark, ...],
    max_body_size: int | None,
) -> RouteLimits:
    """What the settings, the framework and the marks of a route say together."""
    size = settings.max_body_size if max_body_size is None else max_body_size
    seconds = settings.request_timeout
    for mark in marks:
        if isinstance(mark, BodyLimit):
            size = mark.size
        elif isinstance(mark, TimeLimit):
            seconds = mark.seconds
        elif isinstance(mark, NetworkMark):
            networks = (*networks, mark.rules)
    return RouteLimits(size, seconds, networks)


def network_lists(settings: TransportSettings) -> tuple[NetworkList, ...]:
    """The application's own lists."""
    lists: list[NetworkList] = []
    if settings.denied_networks:
        lists.append(NetworkList(settings.denied_networks, "deny", setting="denied_networks"))
    if settings.allowed_networks:
        lists.append(NetworkList(settings.allowed_networks, "allow", setting="allowed_networks"))
    return tuple(lists)
