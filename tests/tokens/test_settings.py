"""Token settings are checked at construction."""

from __future__ import annotations

from typing import Any

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.tokens import TokenSettings


def test_defaults_are_the_decided_ones() -> None:
    settings = TokenSettings()
    assert settings.access_lifetime == 15 * 60
    assert settings.refresh_lifetime == 7 * 86_400
    assert (settings.refresh_grace, settings.leeway) == (10, 10)
    assert settings.algorithm == "HS256"


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": " "},
        {"audience": ""},
        {"algorithm": "none"},
        {"algorithm": "ES384"},
        {"rotate_every": 59},
        {"dpop": "maybe"},
        {"dpop_window": 301},
        {"rotate_every": float("inf")},
        {"access_lifetime": 0},
        {"access_lifetime": 3601},
        {"access_lifetime": float("nan")},
        {"refresh_lifetime": 59},
        {"refresh_lifetime": 900},
        {"refresh_lifetime": float("inf")},
        {"refresh_grace": -1},
        {"refresh_grace": 61},
        {"leeway": 61},
        {"cache_entries": -1},
    ],
)
def test_unsafe_settings_refuse_the_start(changes: dict[str, Any]) -> None:
    (name,) = changes
    with pytest.raises(ConfigurationError, match=f"tokens.{name}"):
        TokenSettings(**changes)
