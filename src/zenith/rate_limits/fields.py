"""The response fields that tell clients where they stand.

`RateLimit-Policy` and `RateLimit` are structured fields (RFC 9651) as of
draft-ietf-httpapi-ratelimit-headers: `q` quota, `w` window in seconds, `r` what remains, `t`
seconds until it is restored. `X-RateLimit-*` says the same of the limit that is nearest to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from zenith.kernel.problem import RawHeaders
from zenith.rate_limits.store import Hit
from zenith.rate_limits.strategies import Usage


def rate_limit_fields(hits: Sequence[Hit], usages: Sequence[Usage]) -> RawHeaders:
    """`RateLimit-Policy` and `RateLimit`, an entry for each limit that was charged."""
    policy, state = hits[0].limit.policy, _state(hits[0], usages[0])
    for hit, usage in zip(hits[1:], usages[1:], strict=True):
        policy, state = b"%b, %b" % (policy, hit.limit.policy), f"{state}, {_state(hit, usage)}"
    return [(b"ratelimit-policy", policy), (b"ratelimit", state.encode("ascii"))]


def _state(hit: Hit, usage: Usage) -> str:
    return f"{hit.limit.quoted};r={usage.remaining};t={seconds_until_more(usage)}"


def legacy_fields(usages: Sequence[Usage]) -> RawHeaders:
    """`X-RateLimit-Limit`, `-Remaining` and `-Reset` of the tightest limit."""
    tightest = usages[0]
    for usage in usages[1:]:
        if (usage.allowed, usage.remaining) < (tightest.allowed, tightest.remaining):
            tightest = usage
    return [
        (b"x-ratelimit-limit", b"%d" % tightest.limit),
        (b"x-ratelimit-remaining", b"%d" % tightest.remaining),
        (b"x-ratelimit-reset", b"%d" % seconds_until_more(tightest)),
    ]


def seconds_until_more(usage: Usage) -> int:
    """Whole seconds, rounded up: until the hit would be admitted, or all is there again."""
    return ceil(usage.reset_after if usage.allowed else usage.retry_after)
