"""`import zenith.app` does not bring what an application may never use."""

from __future__ import annotations

import subprocess
import sys

import pytest

from zenith.kernel.lazy import loader

SLOW = ("sqlalchemy", "sqlmodel", "alembic", "jinja2", "segno", "redis", "asyncpg", "webauthn")
PROGRAM = f"import sys, zenith.app; print(*[name for name in {SLOW!r} if name in sys.modules])"


def test_slow_parts_wait_until_they_are_needed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == []


def test_a_lazy_name_is_loaded_once_and_others_are_unknown() -> None:
    get = loader("zenith.kernel", {"derive": "keys"})
    assert get("derive") is get("derive")
    with pytest.raises(AttributeError, match=r"'zenith.kernel' has no attribute 'secret'"):
        get("secret")
