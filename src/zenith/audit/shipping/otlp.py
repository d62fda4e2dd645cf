"""Events as OpenTelemetry logs, by OTLP over HTTP in JSON (OTLP 1.x, section OTLP/HTTP)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from zenith.audit.catalogue import CATALOGUE
from zenith.audit.shipping.errors import DeliveryError
from zenith.audit.shipping.http_receiver import HttpPost
from zenith.audit.shipping.settings import OtlpSettings
from zenith.audit.stored import END_OF_TIME
from zenith.kernel.events import Event, Severity

SEVERITIES: Final[dict[Severity, int]] = {"INFO": 9, "WARNING": 13, "ERROR": 17, "CRITICAL": 21}
"""Severity numbers of the log data model."""
_ATTRIBUTES: Final[Mapping[str, str]] = {
    "event_id": "log.record.uid",
    "outcome": "zenith.outcome",
    "subject": "user.id",
    "target": "zenith.target",
    "session_id": "session.id",
    "scheme": "zenith.scheme",
    "address": "client.address",
    "user_agent": "user_agent.original",
    "request_id": "zenith.request_id",
    "reason": "zenith.reason",
}
"""Members of an event by the names of the semantic conventions, where there are any."""
SCOPE: Final = "zenith.audit"


class OtlpReceiver:
    """A collector that takes logs.

    Threat: attributes that pass for others: each value is a typed value of JSON, never joined to
    text (ASVS 16.4.1). What the collector says it has rejected is not sent again, and counts as a
    failure.
    """

    def __init__(self, settings: OtlpSettings) -> None:
        self._settings: Final = settings
        self._post: Final = HttpPost(settings)

    @property
    def name(self) -> str:
        """`otlp` and the host."""
        return f"otlp {self._settings.host}:{self._settings.port}"

    async def deliver(self, events: Sequence[Event]) -> None:
        """Send the events as one request. Raises DeliveryError."""
        headers = {name: value.reveal() for name, value in self._settings.headers.items()}
        document = export_request(events, service=self._settings.service_name)
        content = json.dumps(document, separators=(",", ":")).encode()
        answer = await self._post(content, {**headers, "content-type": "application/json"})
        rejected = _rejected(answer.content)
        if rejected:
            # To send the batch again would double what it took.
            raise DeliveryError(f"{rejected} of {len(events)} rejected", rejected=rejected)

    async def close(self) -> None:
        """Close the connections."""
        await self._post.close()


def export_request(events: Sequence[Event], *, service: str) -> dict[str, Any]:
    """An ExportLogsServiceRequest."""
    resource = {"attributes": [_pair("service.name", service)]}
    records = [log_record(event) for event in events]
    scope_logs = [{"scope": {"name": SCOPE}, "logRecords": records}]
    return {"resourceLogs": [{"resource": resource, "scopeLogs": scope_logs}]}


def log_record(event: Event) -> dict[str, Any]:
    """A LogRecord. Times are text, ids hexadecimal, as the JSON encoding wants them."""
    values = {name: getattr(event, own) for own, name in _ATTRIBUTES.items()}
    attributes = [_pair(name, value) for name, value in values.items() if value]
    attributes.append(_pair("zenith.topic", CATALOGUE[event.type].topic))
    if event.details:
        attributes.append(_pair("zenith.details", event.details))
    at = str(int(event.at * 1_000_000) * 1_000) if 0 <= event.at < END_OF_TIME else "0"
    record = {
        "timeUnixNano": at,
        "observedTimeUnixNano": at,
        "severityNumber": SEVERITIES[event.severity],
        "severityText": event.severity,
        "eventName": str(event.type),
        "body": {"stringValue": CATALOGUE[event.type].meaning},
        "attributes": attributes,
    }
    if event.trace_id is not None:
        record["traceId"] = event.trace_id
    return record


def _pair(key: str, value: object) -> dict[str, Any]:
    return {"key": key, "value": _any_value(value)}


def _any_value(value: object) -> dict[str, Any]:
    """An AnyValue; 64-bit numbers are text in JSON."""
    if value is None:
        return {}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, object]", value).items()
        return {"kvlistValue": {"values": [_pair(str(key), item) for key, item in pairs]}}
    if isinstance(value, list):
        items = cast("list[object]", value)
        return {"arrayValue": {"values": [_any_value(item) for item in items]}}
    return {"stringValue": str(value)}


def _rejected(content: bytes) -> int:
    """How many records the collector did not take; it may say nothing at all."""
    try:
        partial = json.loads(content)["partialSuccess"]
        return max(0, int(partial["rejectedLogRecords"]))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return 0
