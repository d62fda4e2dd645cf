from __future__ import annotations

from math import nan
from typing import Any

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.sessions import SessionSettings

WRONG: list[dict[str, Any]] = [
    {"idle_lifetime": 0},
    {"idle_lifetime": nan},
    {"idle_lifetime": 8 * 86_400.0},
    {"absolute_lifetime": 401 * 86_400.0},
    {"touch_interval": 0.5},
    {"touch_interval": 7 * 3600.0},
    {"cache_entries": 0},
    {"remembered_lifetime": 10.0},
    {"remembered_idle_lifetime": 31 * 86_400.0},
    {"max_per_account": 0},
    {"max_per_account": 10_001},
    {"bind_to_device": "maybe"},
    {"same_site": "None"},
    {"same_site": "lax"},
    {"cookie_name": ""},
    {"cookie_name": "a b"},
    {"cookie_name": "a=b"},
    {"cookie_name": "__Host-sid"},
    {"cookie_name": "__secure-sid"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_unsafe_settings_are_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=rf"sessions\.{next(iter(wrong))}") as caught:
        SessionSettings(**wrong)
    assert caught.value.fix


def test_defaults_are_the_decided_ones() -> None:
    settings = SessionSettings()
    assert settings.idle_lifetime == 12 * 3600
    assert settings.absolute_lifetime == 7 * 86_400
    assert settings.lifetimes(remembered=True) == (30 * 86_400, 30 * 86_400)
    assert settings.lifetimes(remembered=False) == (12 * 3600, 7 * 86_400)
    assert settings.max_per_account == 50
    assert settings.bind_to_device == "off"
    assert settings.places_database is None
    assert settings.cookie == "__Host-zenith-session"
    assert settings.dangers == ()


def test_plain_http_loses_the_prefix_and_is_reported() -> None:
    settings = SessionSettings(secure_cookies=False, cookie_name="my-app")
    assert settings.cookie == "my-app"
    assert settings.dangers == ("secure_cookies",)
