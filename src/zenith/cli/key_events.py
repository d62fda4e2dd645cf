"""What commands on keys of encryption leave in the audit log, where there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, Protocol, TypeVar

from zenith.assembly import Assembly, assemble
from zenith.assembly.audit_log import AuditParts
from zenith.cli.output import fail_with, say
from zenith.kernel.clock import wall_clock
from zenith.kernel.errors import ConfigurationError, SecurityError
from zenith.kernel.events import Event, EventSink, EventType, Outcome, Silence
from zenith.kernel.one_step import one_step
from zenith.settings import Settings
from zenith.stores.sql import current

T = TypeVar("T")
DATABASE: Final = "zenith.db"


class Record(Protocol):
    """Records what is done, in the step in which it is done. `target` and `details` are names and
    numbers, no keys.
    """

    async def __call__(
        self, kind: EventType, target: str, *, outcome: Outcome = "success", **details: object
    ) -> None: ...


def recorded(settings: Settings, work: Callable[[Record], Awaitable[T]]) -> tuple[T, str]:
    """Do `work`, which records it, and why there is no record: empty where there is one.

    Threat: a key that is replaced or destroyed, and nobody can say by whom and when (ASVS 16.3.3).
    What `work` records is committed once `work` is done. A database that does not answer ends the
    command before that.
    """

    async def whole() -> tuple[T, str]:
        reason = _without_database(settings)
        if reason:
            return await work(_Sink(Silence())), reason
        # Its keys may not be there yet, and nothing is encrypted for the log.
        assembly = assemble(replace(settings, encryption=None))
        try:
            if await current(assembly.database) is None:
                return await work(_Sink(Silence())), "the database has no tables of Zenith's"
            return await _in_step(assembly, work), ""
        finally:
            await assembly.database.close()

    try:
        return asyncio.run(whole())
    except (ConfigurationError, SecurityError) as error:
        fail_with(error)


def tell_unrecorded(reason: str) -> None:
    """Say that the audit log has nothing of it."""
    if reason:
        say(f"nothing was recorded: {reason}")


async def _in_step(assembly: Assembly, work: Callable[[Record], Awaitable[T]]) -> T:
    await assembly.start()
    try:
        parts: AuditParts = assembly.services[AuditParts]
        async with one_step():
            return await work(_Sink(parts.log))
    finally:
        await assembly.stop()


def _without_database(settings: Settings) -> str:
    if settings.audit is None:
        return "the audit log is off"
    if settings.database is None and not (settings.home / DATABASE).exists():
        return "there is no database"
    return ""


class _Sink:
    def __init__(self, events: EventSink) -> None:
        self._events: Final = events

    async def __call__(
        self, kind: EventType, target: str, *, outcome: Outcome = "success", **details: object
    ) -> None:
        await self._events.record(
            Event(
                type=kind,
                outcome=outcome,
                at=wall_clock(),
                subject="operator",
                target=target,
                scheme="cli",
                severity="WARNING" if kind is EventType.ENCRYPTION_KEY_DESTROYED else "INFO",
                details=details,
            )
        )
