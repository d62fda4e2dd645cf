"""What the driver raises, turned once into the error that Zenith knows."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from typing import Final

from zenith.kernel.errors import ServiceUnavailableError

RETRY_AFTER: Final = 2.0
"""Seconds after which a client is asked to come back."""


@contextmanager
def errors_wrapped() -> Generator[None]:
    """Refuse with 503 where Redis cannot be asked; its message stays in the cause."""
    try:
        yield
    except unreachable() as error:
        raise ServiceUnavailableError(
            retry_after=RETRY_AFTER, reason=f"redis: {type(error).__name__}"
        ) from error


@cache
def unreachable() -> tuple[type[Exception], ...]:
    """Whatever says that Redis could not be asked. The driver is imported by the first error."""
    from redis.exceptions import RedisClusterException, RedisError  # noqa: PLC0415  # optional

    # The driver uses a connection after it was closed, where many begin at once and the nodes of a
    # cluster are read anew meanwhile; then it is an attribute of None that says so, or the event
    # loop: uvloop's transports raise RuntimeError once they are closed.
    return (RedisError, RedisClusterException, OSError, TimeoutError, AttributeError, RuntimeError)
