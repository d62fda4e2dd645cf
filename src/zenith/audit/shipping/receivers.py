"""The receivers that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.audit.settings import AuditSettings

if TYPE_CHECKING:
    from zenith.audit.json_lines import JsonLines
    from zenith.audit.shipping.shipper import Shipper


def copies(lines: JsonLines, settings: AuditSettings) -> Shipper:
    """The queue before the file."""
    from zenith.audit.shipping.lines_receiver import LinesReceiver  # noqa: PLC0415
    from zenith.audit.shipping.shipper import Shipper  # noqa: PLC0415

    return Shipper(
        LinesReceiver(lines), queue_size=settings.sink_queue_size, batch_size=settings.batch_size
    )


def make_shippers(settings: AuditSettings) -> tuple[Shipper, ...]:
    """One queue for each receiver. What none needs is not imported."""
    if not (settings.syslog or settings.otlp or settings.webhook):
        return ()
    from zenith.audit.shipping.otlp import OtlpReceiver  # noqa: PLC0415
    from zenith.audit.shipping.shipper import Shipper  # noqa: PLC0415
    from zenith.audit.shipping.syslog_receiver import SyslogReceiver  # noqa: PLC0415
    from zenith.audit.shipping.webhook import WebhookReceiver  # noqa: PLC0415

    receivers = (
        None if settings.syslog is None else SyslogReceiver(settings.syslog),
        None if settings.otlp is None else OtlpReceiver(settings.otlp),
        None if settings.webhook is None else WebhookReceiver(settings.webhook),
    )
    return tuple(
        Shipper(each, queue_size=settings.sink_queue_size, batch_size=settings.batch_size)
        for each in receivers
        if each is not None
    )
