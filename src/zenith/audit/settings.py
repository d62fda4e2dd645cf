"""Settings of the audit log."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from zenith.audit.shipping.settings import OtlpSettings, SyslogSettings, WebhookSettings
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass

STREAM: Final = re.compile(r"[a-z0-9-]{1,32}")


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditSettings:
    """Where security events go besides the database, and how many wait. Checked at construction."""

    json_lines: Path | None = None
    """File that gets every event too, one JSON object a line, for log shippers; None: no file.
    It is made readable by its owner only and may be rotated by renaming it. Lines follow within a
    tenth of a second, or once the file can be written again; the database is the record."""

    queue_size: int = 10_000
    """Events that may wait for the store. Those beyond are counted, by type, in one event more."""

    batch_size: int = 100
    """Events stored in one step."""

    record_decisions: bool = False
    """Whether each access that a declaration allowed is recorded too, and not only refusals
    (ASVS 16.3.2 asks for it at level 3). It is one event for each request."""

    refusals_per_client: int = 30
    """Refused requests of one client recorded singly in a minute; those beyond are counted, and
    the minute ends with one event that says how many there were."""

    refusals_in_all: int = 3_000
    """The same for all clients together, so that many senders do not fill the disk either."""

    syslog: SyslogSettings | None = None
    """A syslog server that gets every event too; None: none."""

    otlp: OtlpSettings | None = None
    """A collector of OpenTelemetry logs that gets every event too; None: none."""

    webhook: WebhookSettings | None = None
    """A webhook that gets every event too; None: none."""

    sink_queue_size: int = 10_000
    """Events that may wait for each of these. Those beyond are not sent there; they are counted, by
    type, in an event."""

    stream: str = "main"
    """Name of the chain that this application's events are sealed in. Give each application of its
    own when several, with different secrets, share one database."""

    seal_delay: float = 1.0
    """Seconds until an event is sealed; until then its MAC and this process's memory guard it."""

    seal_events: int = 100
    """Events that wait no longer for their seal."""

    checkpoints: Path | None = None
    """File that signed checkpoints are appended to, best on another disk or machine than the
    database: without it nobody can prove that the log was not cut or set back as a whole."""

    checkpoint_seals: int = 1_000
    """Seals from one checkpoint to the next, at most."""

    checkpoint_interval: float = 300.0
    """Seconds from one checkpoint to the next, at most, while there is something new."""

    verify_processes: int | None = None
    """Processes that read the log while it is verified, where there are many events; None: one for
    each core, at most eight; 1: only the one that verifies."""

    keep_days: int | None = None
    """Days after which sealed events are removed, leaving proof of what was; None: never. The
    database user must then be allowed to delete from the tables of the log."""

    def __post_init__(self) -> None:
        _check_range("queue_size", self.queue_size, 100, 1_000_000)
        _check_range("batch_size", self.batch_size, 1, 10_000)
        _check_range("sink_queue_size", self.sink_queue_size, 100, 1_000_000)
        _check_range("refusals_per_client", self.refusals_per_client, 1, 10_000)
        _check_range("refusals_in_all", self.refusals_in_all, 1, 1_000_000)
        _check_range("seal_delay", self.seal_delay, 0.01, 60)
        _check_range("seal_events", self.seal_events, 1, 1_000)
        _check_range("checkpoint_seals", self.checkpoint_seals, 1, 1_000_000)
        _check_range("checkpoint_interval", self.checkpoint_interval, 1, 86_400)
        if self.verify_processes is not None:
            _check_range("verify_processes", self.verify_processes, 1, 64)
        if self.keep_days is not None:
            _check_range("keep_days", self.keep_days, 1, 36_500)
        if not STREAM.fullmatch(self.stream):
            raise ConfigurationError(
                f"audit.stream is `{self.stream}`",
                fix="use 1 to 32 lower-case letters, digits and hyphens",
            )
        if self.checkpoints is not None and not self.checkpoints.name:
            raise ConfigurationError(
                f"audit.checkpoints names no file: `{self.checkpoints}`",
                fix="give a path such as /mnt/other/audit-checkpoints.jsonl",
            )
        if self.json_lines is not None and not self.json_lines.name:
            raise ConfigurationError(
                f"audit.json_lines names no file: `{self.json_lines}`",
                fix="give a path such as /var/log/zenith/audit.jsonl",
            )


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigurationError(f"audit.{name} is {value}", fix=f"set it between {low} and {high}")
