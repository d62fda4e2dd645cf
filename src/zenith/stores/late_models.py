"""The database of models, for applications that may have none."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Final

from zenith.query.unit import Unit

if TYPE_CHECKING:
    from zenith.query.errors import SessionError
    from zenith.query.session import ModelSession
    from zenith.stores.sql.model_database import ModelDatabase

MODELS: Final = "sqlmodel"
"""Whoever has a model has loaded this."""


class LateModels:
    """Makes the database when it is first used: SQLAlchemy's ORM takes as long to load as the rest
    of the stores together, and who has no models does not wait for it.

    `make` must not refuse: what it could refuse is for the start.
    """

    def __init__(self, make: Callable[[], ModelDatabase]) -> None:
        self._make: Final = make
        self._made: ModelDatabase | None = None

    @property
    def database(self) -> ModelDatabase:
        """The one database."""
        if self._made is None:
            self._made = self._make()
        return self._made

    @property
    def is_wanted(self) -> bool:
        """Whether there may be models."""
        return self._made is not None or MODELS in sys.modules

    @property
    def is_new(self) -> bool:
        """Whether something is left to do before the first statement."""
        return self.database.is_new

    async def prepare(self) -> None:
        """Do it."""
        await self.database.prepare()

    def begin(self) -> Unit:
        """The session of a request, as `ModelDatabase.begin`."""
        return Unit(self._made or self)

    def make(self, unit: Unit) -> ModelSession:
        """What a unit asks for."""
        return self.database.make(unit)

    async def end(self, session: ModelSession, *, keep: bool) -> None:
        """What a unit asks for."""
        await self.database.end(session, keep=keep)

    def open(self) -> AbstractAsyncContextManager[ModelSession]:
        """A session of its own."""
        return self.database.open()

    def outlived(self) -> SessionError:
        """What a unit asks for."""
        return self.database.outlived()

    async def check_tables(self) -> None:
        """Raise ConfigurationError if tables or columns of models are missing."""
        if self.is_wanted:
            await self.database.check_tables()

    async def close(self) -> None:
        """Close the connections, if there are any."""
        if self._made is not None:
            await self._made.close()
