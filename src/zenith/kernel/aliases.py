"""The names that fields of models bear outside of the program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

_KINDS: Final = ("alias", "validation_alias", "serialization_alias")


def aliases(model: type, name: str) -> Iterator[str]:
    """Those of one field of a Pydantic model, in what is read and in what is written; of a path the
    last name, which stands before the value. None for other models.
    """
    field: Any = getattr(model, "__pydantic_fields__", {}).get(name)
    for kind in _KINDS:
        given: Any = getattr(field, kind, None)
        for each in getattr(given, "choices", (given,)):
            parts = [part for part in getattr(each, "path", (each,)) if isinstance(part, str)]
            yield from parts[-1:]
