"""What is public is a promise: pinned here, sorted, importable, and explained."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from importlib.metadata import version

import pytest

import zenith

FRONT_DOOR: frozenset[str] = frozenset()
"""The names that `from zenith import ...` gives. A name goes only with a deprecation before it."""

AT_MOST = 40
PARTS = sorted(part.name for part in pkgutil.iter_modules(zenith.__path__) if part.ispkg)


def exported(module: str) -> list[str]:
    return list(getattr(importlib.import_module(module), "__all__", ()))


def test_the_front_door_is_pinned() -> None:
    names = exported("zenith")
    assert frozenset(names) == FRONT_DOOR
    assert len(names) <= AT_MOST
    assert names == sorted(names)


@pytest.mark.parametrize("part", PARTS)
def test_each_part_lists_what_it_exports(part: str) -> None:
    """Sorted, without twins, and all of it there."""
    module = importlib.import_module(f"zenith.{part}")
    names = exported(f"zenith.{part}")
    assert len(set(names)) == len(names)
    for name in names:
        assert not name.startswith("_")
        assert getattr(module, name) is not None
    assert module.__doc__


@pytest.mark.parametrize("part", ["zenith", *(f"zenith.{part}" for part in PARTS)])
def test_each_public_class_and_function_says_what_it_is(part: str) -> None:
    module = importlib.import_module(part)
    silent = [
        name
        for name in exported(part)
        if (inspect.isclass(value := getattr(module, name)) or inspect.isfunction(value))
        and not (value.__doc__ or "").strip()
    ]
    assert silent == []


def test_the_version_has_one_source() -> None:
    """`pyproject.toml` says it; the package repeats it only by asking its metadata."""
    assert getattr(zenith, "__version__", version("zenith-security")) == version("zenith-security")
