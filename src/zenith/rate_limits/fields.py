"""The response fields that tell clients where they stand.

`RateLimit-Policy` and `RateLimit` are structured fields (RFC 9651) as of
draft-ietf-httpapi-ratelimit-headers: `q` quota, `w` window in seconds, `r` what remains, `t`
seconds until it is restored. `X-RateLimit-*` says the same of the limit that is nearest to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from zenith.kernel.problem import RawHeaders
from zenith.rate_limits.limit import Limit
from zenith.rate_limits.store import Hit
from zenith.rate_limits.strategies import Usage


def rate_limit_fields(
    hits: Sequence[Hit], usages: Sequence[Usage], *, legacy: bool = False
) -> RawHeaders:
    """`RateLimit-Policy` and `RateLimit`, an entry for each limit that was charged; where `legacy`
    asks for it, `X-RateLimit-*` of the tightest.
    """
    if legacy and len(hits) == 1:
        return _both(hits[0][0], usages[0])
    policy = b", ".join([hit.limit.policy for hit in hits])
    state = b", ".join(map(_state, hits, usages))
    fields = [(b"ratelimit-policy", policy), (b"ratelimit", state)]
    return [*fields, *legacy_fields(usages)] if legacy else fields


def _both(limit: Limit, usage: Usage) -> RawHeaders:
    """All fields of the usual case, a single limit, with every number written once."""
    _, rest, reset_after, retry_after, allowed = usage
    remaining, seconds = b"%d" % rest, b"%d" % ceil(reset_after if allowed else retry_after)
    return [
        limit.policy_field,
        (b"ratelimit", b"".join((limit.quoted, b";r=", remaining, b";t=", seconds))),
        limit.legacy_field,
        (b"x-ratelimit-remaining", remaining),
        (b"x-ratelimit-reset", seconds),
    ]


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
