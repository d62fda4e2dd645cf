from __future__ import annotations

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.rate_limits import Limit, parse_limits
from zenith.rate_limits.limit import limits_of


@pytest.mark.parametrize(
    ("text", "requests", "window"),
    [
        ("10/minute", 10, 60),
        ("10/minutes", 10, 60),
        (" 5 / second ", 5, 1),
        ("5 per 30 seconds", 5, 30),
        ("5 per hour", 5, 3600),
        ("100/2hours", 100, 7200),
        ("1000/Day", 1000, 86_400),
        ("1/week", 1, 604_800),
    ],
)
def test_a_limit_is_read(text, requests, window):
    (limit,) = parse_limits(text)
    assert (limit.requests, limit.window, limit.strategy) == (requests, window, "sliding_window")


def test_several_limits_are_read_in_order():
    limits = parse_limits("10/minute; 100/hour", strategy="token_bucket", name="n", label="l")
    assert [(limit.requests, limit.window) for limit in limits] == [(10, 60), (100, 3600)]
    assert {limit.strategy for limit in limits} == {"token_bucket"}
    assert [limit.quoted for limit in limits] == [b'"l-60"', b'"l-3600"']


@pytest.mark.parametrize(
    "text",
    [
        "",
        ";",
        "10/minute;",
        "10/fortnight",
        "10/month",
        "10",
        "minute",
        "/minute",
        "-1/minute",
        "1.5/minute",
        "10/minute,5/hour",
        "10 pro minute",
        "10/minute/hour",
        "٣/minute٣",
        "1e3/minute",
        "10/ss",
    ],
)
def test_what_is_no_limit_names_the_periods(text):
    with pytest.raises(ConfigurationError, match="second, minute, hour, day, week"):
        parse_limits(text)


@pytest.mark.parametrize("text", ["0/minute", "10/0minutes", "10/0 seconds"])
def test_zero_limits_nothing(text):
    with pytest.raises(ConfigurationError, match="1 or more"):
        parse_limits(text)


@pytest.mark.parametrize("value", [0, -1, 1.0, "10", True, None])
@pytest.mark.parametrize("name", ["requests", "window"])
def test_numbers_are_whole_and_positive(name, value):
    with pytest.raises(ConfigurationError, match=name):
        Limit(**({"requests": 10, "window": 60} | {name: value}))


@pytest.mark.parametrize(("requests", "window"), [(1, 367 * 86_400), (10**12, 86_400)])
def test_what_cannot_be_counted_exactly_is_refused(requests, window):
    with pytest.raises(ConfigurationError, match="exactly"):
        Limit(requests, window)


def test_an_unknown_strategy_names_the_valid_ones():
    with pytest.raises(ConfigurationError, match="sliding_log, token_bucket"):
        Limit(10, 60, "leaky")


@pytest.mark.parametrize("label", ['a"b', "a b", "a\\b", "a\r\nb", "é", "x" * 101])
def test_a_label_cannot_break_the_header(label):
    with pytest.raises(ConfigurationError, match="header"):
        Limit(10, 60, label=label)
    with pytest.raises(ConfigurationError, match="header"):
        Limit(10, 60, name=label)
    assert Limit(10, 60, name=label, label="fine").quoted == b'"fine-60"'


def test_identity():
    limit = Limit(10, 60, name="search")
    assert limit.id == "search|sliding_window|10|60"
    assert limit.policy == b'"search-60";q=10;w=60'
    assert limit == Limit(10, 60, name="search")
    assert limit != Limit(10, 60)
    assert limit.named("other").id == "other|sliding_window|10|60"


def test_a_share_of_a_limit():
    limit = Limit(10, 60)
    assert limit.at(0.25).requests == 2
    assert limit.at(0.01).requests == 1


def test_limits_of_any_kind():
    limit = Limit(5, 60, "token_bucket")
    assert [x.id for x in limits_of("5/minute", name="n")] == ["n|sliding_window|5|60"]
    assert [x.id for x in limits_of(limit, name="n")] == ["n|token_bucket|5|60"]
    assert [x.id for x in limits_of([limit, Limit(9, 9)], name="n")] == [
        "n|token_bucket|5|60",
        "n|sliding_window|9|9",
    ]
    with pytest.raises(ConfigurationError, match="limits nothing"):
        limits_of([], name="n")


def test_a_log_remembers_no_more_than_a_thousand():
    assert Limit(1000, 60, "sliding_log").requests == 1000
    with pytest.raises(ConfigurationError, match="sliding_window"):
        Limit(1001, 60, "sliding_log")
