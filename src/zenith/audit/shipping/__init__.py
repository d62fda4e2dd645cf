"""Events on their way to other systems: syslog, OpenTelemetry, webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.audit.shipping.errors import DeliveryError
from zenith.audit.shipping.receiver import Receiver
from zenith.audit.shipping.settings import OtlpSettings, SyslogSettings, WebhookSettings
from zenith.kernel.lazy import loader

if TYPE_CHECKING:
    from zenith.audit.shipping.shipper import Shipper
    from zenith.audit.shipping.webhook import verify_webhook

__all__ = [
    "DeliveryError",
    "OtlpSettings",
    "Receiver",
    "Shipper",
    "SyslogSettings",
    "WebhookSettings",
    "verify_webhook",
]

__getattr__ = loader(__name__, {"Shipper": "shipper", "verify_webhook": "webhook"})
