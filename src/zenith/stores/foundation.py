"""What the guards stand on: the database, its schema, the revocations, the password pool."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, Final, Protocol, TypeAlias

from zenith.authentication import RevocationList
from zenith.kernel.background import end
from zenith.kernel.errors import ConfigurationError, SecurityError
from zenith.passwords import PasswordHasher, PasswordPolicy
from zenith.pipeline import Guard, Stage
from zenith.stores.sql import ClockWatch, Database, is_current, upgrade

Prune: TypeAlias = Callable[[], Awaitable[int]]
PAUSE: Final = 600.0
"""Seconds between two removals of what has expired."""
_log: Final = logging.getLogger("zenith")


class Closable(Protocol):
    """A client that holds connections."""

    async def aclose(self) -> None:
        """Close them."""
        ...


class Background(Protocol):
    """Something that works beside the requests."""

    async def start(self) -> None:
        """Begin."""
        ...

    async def stop(self) -> None:
        """End, within a bounded time; also if it never began."""
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
        hasher: PasswordHasher,
        policy: PasswordPolicy,
        migrate: bool,
        prune: Sequence[Prune],
        background: Sequence[Background] = (),
    ) -> None:
        self._database: Final = database
        self._redis: Final = redis
        self._revocations: Final = revocations
        self._hasher: Final = hasher
        self._policy: Final = policy
        self._migrate: Final = migrate
        self._clock: Final = ClockWatch(database)
        self._prune: Final = (*prune, self._clock.look)
        self._background: Final = tuple(background)
        self._tidying: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Bring or check the schema, load the revocations and the lists of common passwords.

        Raises ConfigurationError for a schema that it may not change, ServiceUnavailableError
        where the database does not answer; whatever was opened is closed again.
        """
        try:
            await self._open()
        except BaseException:
            await self.shutdown()
            raise

    async def _open(self) -> None:
        if self._migrate:
            await upgrade(self._database)
        elif not await is_current(self._database):
            raise ConfigurationError(
                "the database schema is not the one of this version",
                fix="run `zenith db upgrade`, or set ZENITH_MIGRATE_AT_START=true",
            )
        await self._clock.look()
        await self._revocations.start()
        # Otherwise the first registration would read them, ten times slower than all others.
        self._hasher.pool.open()
        await self._hasher.pool.run(self._policy.warm_up)
        for each in self._background:
            await each.start()
        self._tidying = asyncio.create_task(self._tidy(), name="zenith-tidying")

    async def shutdown(self) -> None:
        """Stop tidying, end the password pool's threads and close the connections."""
        if self._tidying is not None:
            await end(self._tidying)
            self._tidying = None
        for each in reversed(self._background):
            await each.stop()
        await self._revocations.stop()
        await self._hasher.aclose()
        if self._redis is not None:
            await self._redis.aclose()
        await self._database.close()

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(PAUSE)
            for prune in self._prune:
                try:
                    await prune()
                except (SecurityError, OSError) as error:
                    reason = getattr(error, "reason", "") or type(error).__name__
                    _log.warning("expired rows stay for now: %s", reason)
