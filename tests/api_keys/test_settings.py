from __future__ import annotations

from typing import Any

import pytest

from zenith import Settings, Zenith
from zenith.api_keys import APIKeySettings
from zenith.kernel.errors import ConfigurationError


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": ("a b",)},
        {"scopes": ("read:*",)},
        {"scopes": tuple(f"a:{n}" for n in range(101))},
        {"requests_per_hour": 0},
        {"default_lifetime": 1.0},
        {"default_lifetime": 100.0, "max_lifetime": 99.0},
        {"max_lifetime": 1e12},
        {"rotation_overlap": -1.0},
        {"max_per_owner": 0},
        {"cache_entries": 0},
        {"default_lifetime": float("nan")},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        APIKeySettings(**wrong)


def test_a_limit_may_be_off() -> None:
    assert APIKeySettings(requests_per_hour=None).requests_per_hour is None


def test_keys_may_be_off(tmp_path: Any) -> None:
    variables = {"ZENITH_HOME": str(tmp_path), "ZENITH_API_KEYS": "off"}
    app = Zenith(settings=Settings.from_env(variables, dotenv=None))
    app.add_auth()
    assert not [path for path in app.openapi()["paths"] if "api-keys" in path]
    with pytest.raises(ConfigurationError, match="API keys are off"):
        _ = app.api_keys
