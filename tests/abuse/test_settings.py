from __future__ import annotations

import pytest

from zenith.abuse import AbuseSettings
from zenith.kernel.errors import ConfigurationError

BAD = {
    "free_attempts": 0,
    "place_share": 0,
    "lock_after": 101,
    "first_delay": -1.0,
    "longest_delay": 0.0,
    "memory": float("nan"),
    "proof_numbers": 10_000_001,
    "proof_lifetime": 1.0,
}


@pytest.mark.parametrize("name", BAD)
def test_values_out_of_range_name_the_setting(name):
    with pytest.raises(ConfigurationError, match=f"abuse.{name}"):
        AbuseSettings(**{name: BAD[name]})


def test_tiers_follow_each_other():
    with pytest.raises(ConfigurationError, match="out of order"):
        AbuseSettings(place_share=30)
    with pytest.raises(ConfigurationError, match="out of order"):
        AbuseSettings(lock_after=20)
    AbuseSettings(place_share=29, proof_after=30, lock_after=30)
