"""What the guards stand on: the database, its schema, the revocations, and tidiness."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import ClassVar, Final, Protocol, TypeAlias

from zenith.authentication import RevocationList
from zenith.kernel.errors import ConfigurationError, ServiceUnavailableError
from zenith.pipeline import Guard, Stage
from zenith.stores.sql import Database, is_current, upgrade

Prune: TypeAlias = Callable[[], Awaitable[int]]
PAUSE: Final = 600.0
"""Seconds between two removals of what has expired."""
_log: Final = logging.getLogger("zenith")


class Closable(Protocol):
    """A client that holds connections."""

    async def aclose(self) -> None:
        """Close them."""
        ...


class Foundation(Guard):
    """Starts before every guard and stops after them; looks at no request.

    `migrate` says whether the start may change the schema: a process that may not, and finds an
    old one, refuses to start.
    """

    stage: ClassVar[Stage] = Stage.AUDIT

    def __init__(
        self,
        *,
        database: Database,
        redis: Closable | None,
        revocations: RevocationList,
        migrate: bool,
        prune: Sequence[Prune],
    ) -> None:
        self._database: Final = database
        self._redis: Final = redis
        self._revocations: Final = revocations
        self._migrate: Final = migrate
        self._prune: Final = tuple(prune)
        self._tidying: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Bring or check the schema, load the revocations."""
        if self._migrate:
            await upgrade(self._database)
        elif not await is_current(self._database):
            raise ConfigurationError(
                "the database schema is not the one of this version",
                fix="run `zenith db upgrade`, or set ZENITH_MIGRATE_AT_START=true",
            )
        await self._revocations.start()
        self._tidying = asyncio.create_task(self._tidy())

    async def shutdown(self) -> None:
        """Stop tidying and close the connections."""
        if self._tidying is not None:
            self._tidying.cancel()
            with suppress(asyncio.CancelledError):
                await self._tidying
            self._tidying = None
        await self._revocations.stop()
        if self._redis is not None:
            await self._redis.aclose()
        await self._database.close()

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(PAUSE)
            for prune in self._prune:
                try:
                    await prune()
                except ServiceUnavailableError as error:
                    _log.warning("expired rows stay for now: %s", error.reason or error)
