"""Every table model of the program."""

from __future__ import annotations

from sqlmodel import SQLModel


def tables() -> list[type[SQLModel]]:
    """The models that have a table in SQLModel's metadata, by module and name."""
    found: dict[str, type[SQLModel]] = {}
    waiting: list[type[SQLModel]] = [SQLModel]
    while waiting:
        for model in waiting.pop().__subclasses__():
            waiting.append(model)
            table = getattr(model, "__table__", None)
            if table is not None and SQLModel.metadata.tables.get(table.key) is table:
                found[f"{model.__module__}.{model.__qualname__}"] = model
    return [found[name] for name in sorted(found)]
