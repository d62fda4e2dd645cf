from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zenith.audit import AuditSettings
from zenith.kernel.errors import ConfigurationError


@pytest.mark.parametrize(
    "wrong",
    [
        {"queue_size": 0},
        {"batch_size": 0},
        {"refusals_per_client": 0},
        {"refusals_in_all": 10_000_000},
        {"verify_processes": 0},
        {"json_lines": Path("/")},
    ],
    ids=str,
)
def test_wrong_settings_are_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=rf"audit\.{next(iter(wrong))}") as caught:
        AuditSettings(**wrong)
    assert caught.value.fix


def test_the_defaults_hold() -> None:
    assert AuditSettings().json_lines is None
    assert AuditSettings().verify_processes is None
    assert AuditSettings(verify_processes=4).verify_processes == 4
