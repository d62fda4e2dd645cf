from __future__ import annotations

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.rate_limits import RateLimitSettings


def test_defaults_are_safe():
    settings = RateLimitSettings()
    assert settings.per_address == "100/minute"
    assert settings.on_failure == "local"
    assert settings.dangers == ()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"strategy": "leaky"}, "fixed_window, sliding_window, sliding_log, token_bucket"),
        ({"on_failure": "ignore"}, "local, closed, open"),
        ({"per_address": "100/moon"}, "second, minute"),
        ({"per_principal": ""}, "second, minute"),
        ({"per_address": None}, "allow_no_address_limit"),
        ({"on_failure": "open"}, "allow_unlimited_on_failure"),
        ({"max_clients": 10}, "1000 or more"),
        ({"store_timeout": 0}, "store_timeout"),
        ({"retry_interval": -1.0}, "retry_interval"),
        ({"local_share": 0}, "local_share"),
        ({"local_share": 1.5}, "local_share"),
    ],
)
def test_what_is_unsafe_or_makes_no_sense_refuses_the_start(values, said):
    with pytest.raises(ConfigurationError, match=said):
        RateLimitSettings(**values)


def test_dangers_are_listed():
    settings = RateLimitSettings(
        per_address=None,
        per_principal="5/second",
        allow_no_address_limit=True,
        on_failure="open",
        allow_unlimited_on_failure=True,
    )
    assert settings.dangers == ("allow_unlimited_on_failure", "allow_no_address_limit")
