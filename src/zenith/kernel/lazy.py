"""Packages whose names are loaded when they are first asked for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping


def loader(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """A module's `__getattr__` (PEP 562): `homes` says for each name in which module below
    `package` it lives.

    For packages that are slow to import and that not every process, or not at once, needs. Beside
    it stand the same imports under TYPE_CHECKING, which is what type checkers read.
    """

    def get(name: str) -> object:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found: object = getattr(importlib.import_module(f"{package}.{home}"), name)
        setattr(sys.modules[package], name, found)
        return found

    return get
