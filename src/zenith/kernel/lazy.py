"""Packages whose names are loaded when they are first asked for."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Callable, Mapping
from types import ModuleType


def load(module: str) -> ModuleType:
    """Import `module` without the garbage collector, which finds nothing in what is being loaded
    and would look through it again and again: a sixth of the time of a large import.
    """
    if not gc.isenabled():
        # Off, or off until another thread has loaded: whoever stops it, and nobody else, starts it.
        return importlib.import_module(module)
    gc.disable()
    try:
        return importlib.import_module(module)
    finally:
        gc.enable()


def loader(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """A module's `__getattr__` (PEP 562): `homes` says for each name in which module below
    `package` it lives.

    For packages that are slow to import and that not every process, or not at once, needs. Beside
    it stand the same imports under TYPE_CHECKING, which is what type checkers read. Raises
    ValueError for a name that a module bears too: whoever imports that module puts it in the name's
    place.
    """
    if clash := homes.keys() & {home.partition(".")[0] for home in homes.values()}:
        raise ValueError(f"{package}: {sorted(clash)} are names of modules")

    def get(name: str) -> object:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found: object = getattr(load(f"{package}.{home}"), name)
        setattr(sys.modules[package], name, found)
        return found

    return get
