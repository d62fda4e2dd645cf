"""`import zenith.app` does not bring what an application may never use."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from zenith.kernel.lazy import load, loader

SLOW = ("sqlalchemy", "sqlmodel", "alembic", "jinja2", "segno", "redis", "asyncpg", "webauthn")
PROGRAM = f"import sys, zenith.app; print(*[name for name in {SLOW!r} if name in sys.modules])"


def test_slow_parts_wait_until_they_are_needed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == []


STARTED = """
import asyncio, sys
from pathlib import Path
from zenith import Settings, Zenith
app = Zenith(settings=Settings(env="test", home=Path(sys.argv[1])))
started = []
async def receive():
    return {"type": "lifespan.shutdown" if started else "lifespan.startup"}
async def send(message):
    started.append(message["type"])
asyncio.run(app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send))
assert started == ["lifespan.startup.complete", "lifespan.shutdown.complete"], started
print(*[name for name in ("sqlalchemy.dialects.postgresql", "sqlalchemy.orm", "sqlmodel", "alembic",
        "redis", "webauthn", "httpx", "zenith.policies", "zenith.stores.redis")
        if name in sys.modules])
"""


def test_an_application_on_sqlite_does_not_bring_what_others_use(tmp_path: Path) -> None:
    # The first start makes the schema, with Alembic.
    _, again = [
        subprocess.run(
            [sys.executable, "-c", STARTED, str(tmp_path)],
            check=True,
            capture_output=True,
            text=True,
        )
        for _ in range(2)
    ]
    assert again.stdout.split() == []


def test_a_lazy_name_is_loaded_once_and_others_are_unknown() -> None:
    get = loader("zenith.kernel", {"derive": "keys"})
    assert get("derive") is get("derive")
    with pytest.raises(AttributeError, match=r"'zenith.kernel' has no attribute 'secret'"):
        get("secret")


KEPT = """
import gc, sys
from pathlib import Path
from zenith import Settings, Zenith
counts = [gc.get_freeze_count()]
for name in ("a", "b"):
    Zenith(settings=Settings(env="test", home=Path(sys.argv[1], name)))
    counts.append(gc.get_freeze_count())
print(*counts, gc.isenabled())
"""


def test_what_applications_are_made_of_is_kept_from_the_collector_once(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KEPT, str(tmp_path)], check=True, capture_output=True, text=True
    )
    imported, first, second, collects = done.stdout.split()
    assert (imported, collects) == ("0", "True")
    assert first == second != "0"


@pytest.mark.parametrize("collects", [True, False])
def test_loading_leaves_the_garbage_collector_as_it_was(*, collects: bool) -> None:
    before = gc.isenabled()
    (gc.enable if collects else gc.disable)()
    try:
        assert load("zenith.kernel.keys").__name__ == "zenith.kernel.keys"
        assert gc.isenabled() is collects
        with pytest.raises(ModuleNotFoundError):
            load("zenith.kernel.nowhere")
        assert gc.isenabled() is collects
    finally:
        (gc.enable if before else gc.disable)()
