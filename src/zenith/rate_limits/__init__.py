"""Rate limits, quotas and concurrency limits: how often, how much and how many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.kernel.lazy import loader
from zenith.rate_limits.declaration import RateLimitMark, rate_limit
from zenith.rate_limits.errors import RateLimitStoreError
from zenith.rate_limits.fallback import FallbackSlots, FallbackStore
from zenith.rate_limits.guard import RateLimitGuard
from zenith.rate_limits.limit import Limit, Limits, parse_limits
from zenith.rate_limits.limiter import RateLimiter, RateLimitInfo
from zenith.rate_limits.principal_guard import PrincipalRateLimitGuard
from zenith.rate_limits.settings import RateLimitSettings
from zenith.rate_limits.store import Hit, RateLimitStore
from zenith.rate_limits.strategies import StrategyName, Usage

if TYPE_CHECKING:
    from zenith.rate_limits.concurrency import (
        ConcurrencyLimiter,
        ConcurrencyMark,
        concurrency_limit,
    )
    from zenith.rate_limits.concurrency_guard import ConcurrencyGuard
    from zenith.rate_limits.errors import BusyError, ConcurrencyError, QuotaError
    from zenith.rate_limits.quota import Quota
    from zenith.rate_limits.quotas import Quotas

__all__ = [
    "BusyError",
    "ConcurrencyError",
    "ConcurrencyGuard",
    "ConcurrencyLimiter",
    "ConcurrencyMark",
    "FallbackSlots",
    "FallbackStore",
    "Hit",
    "Limit",
    "Limits",
    "PrincipalRateLimitGuard",
    "Quota",
    "QuotaError",
    "Quotas",
    "RateLimitGuard",
    "RateLimitInfo",
    "RateLimitMark",
    "RateLimitSettings",
    "RateLimitStore",
    "RateLimitStoreError",
    "RateLimiter",
    "StrategyName",
    "Usage",
    "concurrency_limit",
    "parse_limits",
    "rate_limit",
]

# Not every application has quotas, or limits what is in flight.
__getattr__ = loader(
    __name__,
    {
        "BusyError": "errors",
        "ConcurrencyError": "errors",
        "ConcurrencyGuard": "concurrency_guard",
        "ConcurrencyLimiter": "concurrency",
        "ConcurrencyMark": "concurrency",
        "Quota": "quota",
        "QuotaError": "errors",
        "Quotas": "quotas",
        "concurrency_limit": "concurrency",
    },
)
