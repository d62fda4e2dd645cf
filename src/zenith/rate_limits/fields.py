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


def rate_limit_fields(
    hits: Sequence[Hit], usages: Sequence[Usage], *, legacy: bool = False
) -> RawHeaders:
    """`RateLimit-Policy` and `RateLimit`, an entry for each limit that was charged; where `legacy`
    asks for it, `X-RateLimit-*` of the tightest.
    """
    if len(hits) == 1:
        policy, state = hits[0][0].policy, _state(hits[0], usages[0])
    else:
        policy = b", ".join([hit.limit.policy for hit in hits])
        state = b", ".join(map(_state, hits, usages))
    if not legacy:
        return [(b"ratelimit-policy", policy), (b"ratelimit", state)]
    return [(b"ratelimit-policy", policy), (b"ratelimit", state), *legacy_fields(usages)]


def _state(hit: Hit, usage: Usage) -> bytes:
    _, remaining, reset_after, retry_after, allowed = usage
    seconds = ceil(reset_after if allowed else retry_after)
    return b"%b;r=%d;t=%d" % (hit[0].quoted, remaining, seconds)


def legacy_fields(usages: Sequence[Usage]) -> tuple[tuple[bytes, bytes], ...]:
    """`X-RateLimit-Limit`, `-Remaining` and `-Reset` of the tightest limit."""
    tightest = usages[0]
    if len(usages) > 1:
        tightest = min(usages, key=lambda usage: (usage.allowed, usage.remaining))
    limit, remaining, reset_after, retry_after, allowed = tightest
    return (
        (b"x-ratelimit-limit", b"%d" % limit),
        (b"x-ratelimit-remaining", b"%d" % remaining),
        (b"x-ratelimit-reset", b"%d" % ceil(reset_after if allowed else retry_after)),
    )
