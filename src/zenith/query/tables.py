"""Every table model of the program."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlmodel import SQLModel


def tables() -> list[type[SQLModel]]:
    """The models that have a table in SQLModel's metadata, by module and name. Loads nothing:
    where nobody has loaded SQLModel, there are none.
    """
    module = sys.modules.get("sqlmodel")
    if module is None:
        return []
    root: type[SQLModel] = module.SQLModel
    found: dict[str, type[SQLModel]] = {}
    waiting = [root]
    while waiting:
        for model in waiting.pop().__subclasses__():
            waiting.append(model)
            table = getattr(model, "__table__", None)
            if table is not None and root.metadata.tables.get(table.key) is table:
                found[f"{model.__module__}.{model.__qualname__}"] = model
    return [found[name] for name in sorted(found)]
