"""What goes wrong with rate limits besides being over one."""

from __future__ import annotations

from zenith.kernel.errors import ServiceUnavailableError


class RateLimitStoreError(ServiceUnavailableError):
    """The store of the counters did not answer, or not in time. Left alone it is a 503."""
