"""Events by webhook, signed, so that the receiver knows who sends and that it is new."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Final

from zenith.audit.document import document_of
from zenith.audit.shipping.http_receiver import HttpPost
from zenith.audit.shipping.settings import ENCODED, WebhookSettings
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.events import Event
from zenith.kernel.keys import Secret

TOLERANCE: Final = 300.0
"""Seconds by which the clocks of sender and receiver may differ."""
KIND: Final = "zenith.audit"
MAX_SIGNATURES: Final = 8


class WebhookReceiver:
    """Posts batches of events as JSON, signed as Standard Webhooks describes.

    Threat: a forged or replayed report of events at the receiver. The signature covers the id, the
    time and the body; the id of a batch is the same at every attempt, so that one which arrives
    twice is known. While the secret changes both sign.
    """

    def __init__(self, settings: WebhookSettings, *, clock: Clock = wall_clock) -> None:
        self._settings: Final = settings
        self._post: Final = HttpPost(settings)
        self._clock: Final = clock

    @property
    def name(self) -> str:
        """`webhook` and the host."""
        return f"webhook {self._settings.host}:{self._settings.port}"

    async def deliver(self, events: Sequence[Event]) -> None:
        """Send the events as one request. Raises DeliveryError."""
        document = {"type": KIND, "events": [document_of(event) for event in events]}
        content = json.dumps(document, separators=(",", ":")).encode()
        ids = "".join(event.event_id for event in events)
        message_id = hashlib.sha256(ids.encode()).hexdigest()[:32]
        secrets = [self._settings.secret]
        if self._settings.previous_secret is not None:
            secrets.append(self._settings.previous_secret)
        await self._post(
            content, signed_headers(content, message_id, secrets, at=int(self._clock()))
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._post.close()


def signed_headers(
    content: bytes, message_id: str, secrets: Sequence[Secret], *, at: int
) -> dict[str, str]:
    """The headers of one delivery."""
    signatures = [_signature(content, message_id, str(at), secret) for secret in secrets]
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(signatures),
    }


def verify_webhook(
    content: bytes,
    headers: Mapping[str, str],
    secret: Secret,
    *,
    now: float,
    tolerance: float = TOLERANCE,
) -> bool:
    """Whether a delivery is from who holds `secret`, and of now: for the receiver's side.

    `headers` has names in lower case. The receiver should also remember `webhook-id` for
    `tolerance` seconds, and `event_id` for as long as it keeps events.
    """
    message_id, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not moment.isascii() or not moment.isdigit() or len(moment) > len("9999999999"):
        return False
    if abs(now - int(moment)) > tolerance:
        return False
    wanted = _signature(content, message_id, moment, secret).encode()
    given = headers.get("webhook-signature", "").split(" ")[:MAX_SIGNATURES]
    return any(hmac.compare_digest(wanted, each.encode("utf-8", "replace")) for each in given)


def _signature(content: bytes, message_id: str, moment: str, secret: Secret) -> str:
    signed = f"{message_id}.{moment}.".encode("utf-8", "replace") + content
    made = hmac.digest(_key(secret), signed, "sha256")
    return "v1," + base64.b64encode(made).decode()


def _key(secret: Secret) -> bytes:
    """The text itself, or what it holds where it is written as Standard Webhooks writes it."""
    text = secret.reveal()
    if text.startswith(ENCODED):
        return base64.b64decode(text.removeprefix(ENCODED))
    return text.encode()
