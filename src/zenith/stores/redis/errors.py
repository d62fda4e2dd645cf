"""What the driver raises, turned once into the error that Zenith knows."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from redis.exceptions import RedisClusterException, RedisError

from zenith.kernel.errors import ServiceUnavailableError

RETRY_AFTER: Final = 2.0
"""Seconds after which a client is asked to come back."""
UNREACHABLE: Final = (RedisError, RedisClusterException, OSError, TimeoutError)
"""Whatever says that Redis could not be asked."""


@contextmanager
def errors_wrapped() -> Generator[None]:
    """Refuse with 503 where Redis cannot be asked; its message stays in the cause."""
    try:
        yield
    except UNREACHABLE as error:
        raise ServiceUnavailableError(
            retry_after=RETRY_AFTER, reason=f"redis: {type(error).__name__}"
        ) from error
