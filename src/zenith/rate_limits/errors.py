"""What goes wrong with rate limits besides being over one."""

from __future__ import annotations

from typing import Final

from zenith.kernel.errors import RateLimitError, ServiceUnavailableError

RETRY_AFTER: Final = 1.0
"""Seconds after which a place may have come free; nobody knows when."""


class RateLimitStoreError(ServiceUnavailableError):
    """The store of the counters did not answer, or not in time. Left alone it is a 503."""


class QuotaError(RateLimitError):
    """What a plan allows is used up. `retry_after` is in seconds."""

    code, title = "quota_exceeded", "Quota used up"


class ConcurrencyError(RateLimitError):
    """A caller has as many requests in flight as it may."""

    code, title = "too_many_at_once", "Too many requests at once"

    def __init__(self, *, reason: str = "") -> None:
        super().__init__(retry_after=RETRY_AFTER, reason=reason)


class BusyError(ServiceUnavailableError):
    """All callers together have as many requests in flight as the application takes."""

    code, title = "busy", "Too busy at the moment"

    def __init__(self, *, reason: str = "") -> None:
        super().__init__(retry_after=RETRY_AFTER, reason=reason)
