"""The audit log, and what seals it."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Sequence
from functools import partial
from typing import Final

from zenith.assembly.audit_readers import reading_ahead
from zenith.audit import AuditLog, AuditSettings
from zenith.audit.checkpoint import Checkpoint
from zenith.audit.checkpoint_file import CheckpointFile
from zenith.audit.errors import BrokenLogError
from zenith.audit.keys import AuditKeys
from zenith.audit.pending import Pending
from zenith.audit.reading import StoredLog
from zenith.audit.retention import Retention
from zenith.audit.sealer import Sealer
from zenith.audit.verification import Progress, Verification, VerificationReport
from zenith.kernel.clock import wall_clock
from zenith.kernel.events import Event, EventType
from zenith.kernel.keys import Secret, new_token
from zenith.settings import Settings
from zenith.stores.sql import Database, SqlAuditStore, SqlSealStore

DAY: Final = 86_400.0
_checkpoints: Final = logging.getLogger("zenith.audit.checkpoints")


class AuditParts:
    """What keeps security events and proves them, of one application."""

    def __init__(
        self, settings: AuditSettings, secrets: Sequence[Secret], database: Database
    ) -> None:
        self.settings: Final = settings
        self._database: Final = database.settings
        self.keys: Final = AuditKeys(secrets)
        self.pending: Final = Pending(full=settings.seal_events)
        self.store: Final = SqlAuditStore(
            database, keys=self.keys, stream=settings.stream, written=self.pending.add
        )
        self.seals: Final = SqlSealStore(database)
        self.log: Final = AuditLog(self.store, settings)
        self.file: Final = (
            None if settings.checkpoints is None else CheckpointFile(settings.checkpoints)
        )
        writer = _writer()
        self.sealer: Final = Sealer(
            self.seals,
            self.pending,
            self.keys,
            self.log,
            settings,
            writer=writer,
            # Files last: a disk that is full keeps a checkpoint from no other place.
            places=(
                _log_checkpoint,
                self._ship_checkpoint,
                *(() if self.file is None else (partial(_keep, self.file),)),
            ),
            last_checkpoint=None if self.file is None else self._last_checkpoint,
        )
        self.retention: Final = Retention(
            self.seals, self.keys, self.log, stream=settings.stream, writer=writer
        )

    async def start(self) -> None:
        """Open the file of checkpoints, and begin to seal. Raises ConfigurationError."""
        if self.file is not None:
            await asyncio.to_thread(self.file.open)
        await self.sealer.start()

    async def stop(self) -> None:
        """Seal what waits, and end."""
        await self.sealer.stop()

    async def verify(
        self,
        *,
        by: str | None,
        progress: Progress | None = None,
        checkpoints: CheckpointFile | None = None,
    ) -> VerificationReport:
        """Verify the whole log against its checkpoints (of another file, if given), and record
        that it was done and what came of it. Raises OSError for a file that cannot be read.
        """
        file = checkpoints or self.file
        known: list[Checkpoint | str] = []
        if file is not None and (checkpoints is not None or file.path.exists()):
            known = await asyncio.to_thread(lambda: list(file.read()))
        async with reading_ahead(self.seals, self.settings, self._database) as ahead:
            report = await Verification(
                StoredLog(self.seals, self.settings.stream, ahead=ahead),
                self.settings.stream,
                keys=self.keys,
                public=self.keys.public,
                checkpoints=known,
                progress=progress,
            ).run()
        await self.log.record(
            Event(
                type=EventType.AUDIT_VERIFIED,
                outcome="success" if report.holds else "failure",
                at=wall_clock(),
                subject=by,
                target=f"audit:{self.settings.stream}",
                severity="INFO" if report.holds else "CRITICAL",
                details={
                    "events": report.events,
                    "seals": report.seals,
                    "checkpoints": report.checkpoints,
                    "damages": report.damages,
                },
            )
        )
        return report

    async def prune(self) -> int:
        """Remove what is older than `keep_days`; how many events."""
        if self.settings.keep_days is None:
            return 0
        try:
            before = wall_clock() - self.settings.keep_days * DAY
            return (await self.retention.prune(before=before)).events
        except BrokenLogError as error:
            self.log.note(
                Event(
                    type=EventType.AUDIT_BROKEN,
                    outcome="error",
                    at=wall_clock(),
                    target=f"audit:{error.stream}",
                    severity="CRITICAL",
                    reason="not pruned, for it is not as it was sealed",
                    details={"seal": error.seal},
                )
            )
            return 0

    async def _ship_checkpoint(self, checkpoint: Checkpoint) -> None:
        self.log.ship(checkpoint.event())

    async def _last_checkpoint(self) -> Checkpoint | None:
        file = self.file
        return None if file is None else await asyncio.to_thread(file.last, self.settings.stream)


def make_audit(
    settings: Settings, secrets: Sequence[Secret], database: Database
) -> AuditParts | None:
    """The parts of the log; None where none is kept."""
    return None if settings.audit is None else AuditParts(settings.audit, secrets, database)


def audit_report(settings: Settings) -> tuple[str, ...]:
    """What the operator is told of the log."""
    if settings.audit is None or settings.audit.checkpoints is not None:
        return ()
    lost = "a log that was cut or set back as a whole would not be noticed"
    return (f"audit.checkpoints is not set: {lost}; name a file in ZENITH_AUDIT__CHECKPOINTS",)


async def _log_checkpoint(checkpoint: Checkpoint) -> None:
    _checkpoints.info("%s", checkpoint.line().rstrip())


async def _keep(file: CheckpointFile, checkpoint: Checkpoint) -> None:
    await asyncio.to_thread(file.append, checkpoint)


def _writer() -> str:
    """Which process made a seal, for whoever looks into one."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{new_token(6)}"
