"""What is public is a promise: pinned here, sorted, importable, and explained."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from importlib.metadata import version

import pytest

import zenith

FRONT_DOOR = frozenset(
    {
        "AuthenticationError",
        "CurrentUser",
        "Depends",
        "Form",
        "HTTPException",
        "Header",
        "PermissionDeniedError",
        "RateLimitError",
        "Request",
        "SecurityMiddleware",
        "Settings",
        "ValidationError",
        "Zenith",
        "ZenithModel",
        "authenticated",
        "get_api_key",
        "get_current_user",
        "get_session",
        "public",
        "rate_limit",
        "require_factor",
        "require_permission",
        "require_policy",
        "require_role",
        "require_scope",
    }
)
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


@pytest.mark.parametrize("name", sorted(FRONT_DOOR))
def test_each_name_is_what_its_part_defines(name: str) -> None:
    """What type checkers are told and what is loaded is one and the same."""
    tree = ast.parse(inspect.getsource(zenith))
    told = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    assert getattr(zenith, name) is getattr(importlib.import_module(told[name]), name)
    assert name in dir(zenith)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Zenit'"):
        _ = zenith.Zenit  # type: ignore[attr-defined]


def test_importing_the_package_loads_nothing_else() -> None:
    """Parts that are used alone do not pay for the application."""
    code = "import sys, zenith; print(sorted(n for n in sys.modules if n.startswith('zenith')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['zenith']"


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
        and value.__module__.startswith("zenith")
        and not (value.__doc__ or "").strip()
    ]
    assert silent == []


def test_the_version_has_one_source() -> None:
    """`pyproject.toml` says it; the package repeats it only by asking its metadata."""
    assert getattr(zenith, "__version__", version("zenith-security")) == version("zenith-security")
