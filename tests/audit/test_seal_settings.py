"""Settings of seals, checkpoints and retention are checked when they are made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zenith.audit.settings import AuditSettings
from zenith.kernel.errors import ConfigurationError


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seal_delay", 0.0),
        ("seal_delay", 61.0),
        ("seal_events", 1001),
        ("checkpoint_seals", 0),
        ("checkpoint_interval", 0.5),
        ("keep_days", 0),
        ("stream", "Main"),
        ("stream", "x" * 33),
        ("checkpoints", Path("/")),
    ],
)
def test_what_cannot_be_is_refused_with_its_name(field: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"audit.{field}"):
        AuditSettings(**{field: value})


def test_what_can_be_is_taken(tmp_path: Path) -> None:
    made = AuditSettings(keep_days=400, stream="shop-2", checkpoints=tmp_path / "points.jsonl")
    assert made.keep_days == 400
