from __future__ import annotations

import math

import pytest

from zenith.accounts import AccountSettings
from zenith.kernel.errors import ConfigurationError


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"register_seconds": -1}, "accounts.register_seconds"),
        ({"register_seconds": 11}, "accounts.register_seconds"),
        ({"register_seconds": math.nan}, "accounts.register_seconds"),
        ({"setup_link_lifetime": 0}, "accounts.setup_link_lifetime"),
        ({"setup_link_lifetime": math.inf}, "accounts.setup_link_lifetime"),
        ({"setup_link_lifetime": math.nan}, "accounts.setup_link_lifetime"),
        ({"sign_in_limit": "often"}, "accounts.sign_in_limit"),
        ({"register_limit": ""}, "accounts.register_limit"),
    ],
)
def test_unsound_values_are_refused_by_name(change, named):
    with pytest.raises(ConfigurationError, match=named) as caught:
        AccountSettings(**change)
    assert caught.value.fix


def test_defaults_hold():
    settings = AccountSettings()
    assert settings.default_roles == ("user",)
    assert settings.register_seconds > 0
