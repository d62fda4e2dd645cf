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
    policy = b", ".join([hit.limit.policy for hit in hits])
    state = ", ".join(map(_state, hits, usages))
    return [(b"ratelimit-policy", policy), (b"ratelimit", state.encode("ascii"))]


def _state(hit: Hit, usage: Usage) -> str:
    _, remaining, reset_after, retry_after, allowed = usage
    return f"{hit.limit.quoted};r={remaining};t={ceil(reset_after if allowed else retry_after)}"


def legacy_fields(usages: Sequence[Usage]) -> RawHeaders:
    """`X-RateLimit-Limit`, `-Remaining` and `-Reset` of the tightest limit."""
    tightest = usages[0]
    for usage in usages[1:]:
        if (usage.allowed, usage.remaining) < (tightest.allowed, tightest.remaining):
            tightest = usage
    limit, remaining, reset_after, retry_after, allowed = tightest
    return [
        (b"x-ratelimit-limit", b"%d" % limit),
        (b"x-ratelimit-remaining", b"%d" % remaining),
        (b"x-ratelimit-reset", b"%d" % ceil(reset_after if allowed else retry_after)),
    ]
