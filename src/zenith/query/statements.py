"""What an engine is about to send to the database, whoever sends it: sessions and bare connections.

Hooks of sessions see what passes through a session; this is where nothing passes by.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from sqlalchemy import event
from sqlalchemy.engine import Compiled
from sqlalchemy.ext.asyncio import AsyncEngine

OnStatement = Callable[[str, Compiled | None], None]
S = TypeVar("S", bound=OnStatement)
_hooks: Final[list[OnStatement]] = []


def on_statement(hook: S) -> S:
    """Call `hook(sql, compiled)` before every statement that reaches the database of models,
    through a session or a connection. `compiled` is what SQLAlchemy made `sql` from, None for text
    that goes to the driver as it is. It may raise to refuse.
    """
    _hooks.append(hook)
    return hook


def forget(hook: object) -> bool:
    """Remove what `on_statement` has added; whether it was there."""
    kept = [each for each in _hooks if each is not hook]
    found = len(kept) < len(_hooks)
    _hooks[:] = kept
    return found


def watch(engine: AsyncEngine) -> None:
    """Have the hooks asked about what `engine` is about to send."""
    event.listen(engine.sync_engine, "before_cursor_execute", _ask)


def _ask(
    connection: object, cursor: object, statement: str, parameters: object, context: Any, many: bool
) -> None:
    del connection, cursor, parameters, many
    for hook in _hooks:
        hook(statement, None if context is None else context.compiled)
