"""Rate limits: how often one caller may do what."""

from zenith.rate_limits.declaration import RateLimitMark, rate_limit
from zenith.rate_limits.errors import RateLimitStoreError
from zenith.rate_limits.fallback import FallbackStore
from zenith.rate_limits.guard import PrincipalRateLimitGuard, RateLimitGuard
from zenith.rate_limits.limit import Limit, Limits, parse_limits
from zenith.rate_limits.limiter import RateLimiter, RateLimitInfo
from zenith.rate_limits.settings import RateLimitSettings
from zenith.rate_limits.store import Hit, RateLimitStore
from zenith.rate_limits.strategies import StrategyName, Usage

__all__ = [
    "FallbackStore",
    "Hit",
    "Limit",
    "Limits",
    "PrincipalRateLimitGuard",
    "RateLimitGuard",
    "RateLimitInfo",
    "RateLimitMark",
    "RateLimitSettings",
    "RateLimitStore",
    "RateLimitStoreError",
    "RateLimiter",
    "StrategyName",
    "Usage",
    "parse_limits",
    "rate_limit",
]
