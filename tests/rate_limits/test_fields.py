from __future__ import annotations

import pytest

from zenith.rate_limits import Hit, Limit, Usage
from zenith.rate_limits.fields import legacy_fields, rate_limit_fields

ROUTE = Hit(Limit(10, 60, label="route"), "a")
ALL = Hit(Limit(100, 60, label="address"), "a")


def test_structured_fields():
    usages = [Usage(10, 3, 20.001, 0.0, True), Usage(100, 93, 60.0, 0.0, True)]
    assert rate_limit_fields([ROUTE, ALL], usages) == [
        (b"ratelimit-policy", b'"route-60";q=10;w=60, "address-60";q=100;w=60'),
        (b"ratelimit", b'"route-60";r=3;t=21, "address-60";r=93;t=60'),
    ]


def test_a_refusal_tells_how_long_to_wait():
    fields = dict(rate_limit_fields([ROUTE], [Usage(10, 0, 100.0, 4.5, False)]))
    assert fields[b"ratelimit"] == b'"route-60";r=0;t=5'


def test_the_tightest_limit_in_the_legacy_fields():
    usages = [Usage(100, 3, 60.0, 0.0, True), Usage(10, 2, 20.0, 0.0, True)]
    assert list(legacy_fields(usages)) == [
        (b"x-ratelimit-limit", b"10"),
        (b"x-ratelimit-remaining", b"2"),
        (b"x-ratelimit-reset", b"20"),
    ]


def test_who_refused_comes_before_who_is_merely_low():
    usages = [Usage(100, 0, 60.0, 0.0, True), Usage(10, 4, 20.0, 7.0, False)]
    assert dict(legacy_fields(usages))[b"x-ratelimit-limit"] == b"10"
    assert legacy_fields(usages[::-1]) == legacy_fields(usages)


@pytest.mark.parametrize("legacy", [True, False])
def test_a_single_limit_is_told_as_several_are(legacy):
    usage = Usage(10, 2, 20.5, 0.0, True)
    alone = rate_limit_fields([ROUTE], [usage], legacy=legacy)
    twice = rate_limit_fields([ROUTE, ROUTE], [usage, usage], legacy=legacy)
    assert [(name, value.split(b", ")[0]) for name, value in twice] == alone
    assert dict(alone)[b"ratelimit"] == b'"route-60";r=2;t=21'
    assert len(alone) == (5 if legacy else 2)
