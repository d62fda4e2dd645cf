"""Settings of the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from zenith.audit.shipping.settings import OtlpSettings, SyslogSettings, WebhookSettings
from zenith.kernel.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditSettings:
    """Where security events go besides the database, and how many wait. Checked at construction."""

    json_lines: Path | None = None
    """File that gets every event too, one JSON object a line, for log shippers; None: no file.
    It is made readable by its owner only and may be rotated by renaming it."""

    queue_size: int = 10_000
    """Events that may wait for the store. Those beyond are counted, by type, in one event more."""

    batch_size: int = 100
    """Events stored in one step."""

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

    def __post_init__(self) -> None:
        _check_range("queue_size", self.queue_size, 100, 1_000_000)
        _check_range("batch_size", self.batch_size, 1, 10_000)
        _check_range("sink_queue_size", self.sink_queue_size, 100, 1_000_000)
        _check_range("refusals_per_client", self.refusals_per_client, 1, 10_000)
        _check_range("refusals_in_all", self.refusals_in_all, 1, 1_000_000)
        if self.json_lines is not None and not self.json_lines.name:
            raise ConfigurationError(
                f"audit.json_lines names no file: `{self.json_lines}`",
                fix="give a path such as /var/log/zenith/audit.jsonl",
            )


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ConfigurationError(f"audit.{name} is {value}", fix=f"set it between {low} and {high}")
