"""A thousand tests start an application: what each start would do alike is done once.

An application's routes are read by FastAPI from signatures, and the schema of its empty database
is made by Alembic from fifteen changes: together two thirds of what a start takes. Both are kept
here for the next start of this process; servers of their own and tests of the schema's changes,
which call `upgrade` themselves, take the long way.
"""

from __future__ import annotations

import copy
import functools
import importlib
import weakref
from types import FunctionType
from typing import Any, get_args

import fastapi.dependencies.utils
import fastapi.routing
import typer.main
import typer.testing
from sqlalchemy import Connection, MetaData

from zenith.stores import foundation
from zenith.stores.sql import Database, is_current, upgrade

ROUTERS = {
    "zenith.accounts": ("auth_router",),
    "zenith.mfa": ("mfa_router",),
    "zenith.api_keys": ("api_key_router",),
    "zenith.console.server": (
        *("visitor_pages", "account_pages", "confirm_pages", "admin_pages", "factor_pages"),
        *("factor_sign_in_pages", "key_pages", "own_pages", "link_pages", "outbox_pages"),
        *("setup_pages", "strength_pages"),
    ),
}
OBJECTS = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*'"


def keep_routers() -> None:
    """Build each router once: it knows what routes there are, and nothing of an application."""
    for module, names in ROUTERS.items():
        room = importlib.import_module(module)
        for name in names:
            setattr(room, name, functools.cache(getattr(room, name)))


def keep_signatures() -> None:
    """Read the signature of each handler once."""
    read: Any = fastapi.dependencies.utils.get_dependant
    known: weakref.WeakKeyDictionary[Any, dict[Any, Any]] = weakref.WeakKeyDictionary()

    def get_dependant(*, path: str, call: Any, **more: Any) -> Any:
        if not (isinstance(call, FunctionType) and call.__module__.startswith("zenith.")):
            return read(path=path, call=call, **more)
        key = (path, repr(more))
        kept = known.setdefault(call, {})
        if key not in kept:
            kept[key] = read(path=path, call=call, **more)
        # Whoever asks adds to the lists and wraps the call.
        fresh = copy.copy(kept[key])
        fresh.dependencies = [*fresh.dependencies]
        return fresh

    for module in (fastapi.dependencies.utils, fastapi.routing):
        setattr(module, read.__name__, get_dependant)


def keep_answers() -> None:
    """Compile what turns an answer of a type into JSON once, not for each application again."""
    compile_answer: Any = vars(fastapi.routing)["create_model_field"]
    known: dict[Any, Any] = {}

    def create_model_field(name: str, type_: Any, *, mode: str) -> Any:
        if not any(_is_ours(each) for each in (type_, *get_args(type_))):
            return compile_answer(name=name, type_=type_, mode=mode)
        key = name, type_, mode
        if key not in known:
            known[key] = compile_answer(name=name, type_=type_, mode=mode)
        return known[key]

    setattr(fastapi.routing, compile_answer.__name__, create_model_field)


def keep_commands() -> None:
    """Build the tree of a program's commands once: it takes half of a call of most of them."""
    setattr(
        typer.testing,
        f"_{typer.main.get_command.__name__}",
        functools.cache(typer.main.get_command),
    )


def _is_ours(type_: Any) -> bool:
    return str(getattr(type_, "__module__", "")).startswith("zenith.")


class Schema:
    """The statements that make the newest schema in an empty SQLite file."""

    def __init__(self) -> None:
        self._statements: list[tuple[str, Any]] = []
        self._revisions: list[str] = []

    async def upgrade(self, database: Database) -> list[str]:
        """As `zenith.stores.sql.upgrade`."""
        if database.dialect != "sqlite" or await is_current(database):
            return await upgrade(database)
        if self._statements:
            async with database.transaction() as connection:
                if await connection.run_sync(self._made):
                    return self._revisions
        async with database.transaction() as connection:
            is_empty = not await connection.run_sync(_objects)
        revisions = await upgrade(database)
        if is_empty and revisions and not self._statements:
            async with database.transaction() as connection:
                self._statements = await connection.run_sync(_dump)
            self._revisions = revisions
        return revisions

    def _made(self, connection: Connection) -> bool:
        if _objects(connection):
            return False
        for statement, rows in self._statements:
            for row in rows:
                connection.exec_driver_sql(statement, row)
        return True


def _objects(connection: Connection) -> list[Any]:
    return list(connection.exec_driver_sql(OBJECTS))


def _dump(connection: Connection) -> list[tuple[str, Any]]:
    statements: list[tuple[str, Any]] = [(sql, [()]) for (sql,) in _objects(connection)]
    tables = MetaData()
    tables.reflect(connection)
    for each in tables.sorted_tables:
        rows = [tuple(row) for row in connection.execute(each.select())]
        insert = str(each.insert().compile(dialect=connection.dialect))
        statements.append((insert, rows))
    return statements


SCHEMA = Schema()
"""Whoever opens an empty SQLite file may have the schema from here, fifty times as fast."""


def keep_schema() -> None:
    """An application that starts with an empty SQLite file is given the schema at once."""
    setattr(foundation, upgrade.__name__, SCHEMA.upgrade)
