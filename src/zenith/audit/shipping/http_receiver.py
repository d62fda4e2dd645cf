"""What OpenTelemetry and webhooks have in common: a POST that is taken or is not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from zenith.audit.shipping.errors import DeliveryError
from zenith.audit.shipping.settings import HttpTarget
from zenith.kernel.tls import client_context
from zenith.outbound import OutboundAnswer, OutboundError, OutboundSettings

if TYPE_CHECKING:
    from zenith.outbound import OutboundClient

REFUSED: Final = frozenset({400, 413, 422})
"""Statuses that say: not these events, however often."""
MAX_ANSWER: Final = 65_536
MAX_WAIT: Final = 3600.0
TIMEOUT: Final = 15.0
LOOPBACK: Final = ("127.0.0.0/8", "::1/128")


class HttpPost:
    """Posts to one address, which the settings name.

    Threat: a receiver that leads on to others, that answers without end, that keeps the
    connection, or that somebody else's DNS has moved inside (ASVS 1.3.6, 13.2.4). Calls go through
    `zenith.outbound`: only this host and port, no redirects, an authority that signs its
    certificate; a private address only where the settings name its network.
    """

    def __init__(self, target: HttpTarget) -> None:
        self._target: Final = target
        self._client: OutboundClient | None = None

    async def __call__(self, content: bytes, headers: Mapping[str, str]) -> OutboundAnswer:
        """The answer of a receiver that took it; raises DeliveryError."""
        client = self._client or await self._open()
        try:
            answer = await client.post(self._target.url, content=content, headers=headers)
        except OutboundError as error:
            raise DeliveryError(error.reason) from None
        if answer.is_success:
            return answer
        reason = f"status {answer.status}"
        raise DeliveryError(
            reason, is_final=answer.status in REFUSED, wait=_seconds(answer.headers)
        )

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _open(self) -> OutboundClient:
        from zenith.outbound import OutboundClient  # noqa: PLC0415  httpx, only where it is used

        target = self._target
        tls = await asyncio.to_thread(client_context, target.ca_file) if target.ca_file else None
        self._client = OutboundClient(settings_of(target), tls=tls)
        return self._client


def settings_of(target: HttpTarget) -> OutboundSettings:
    """How the receiver may be called: it, and nothing else."""
    own = LOOPBACK if target.is_local else ()
    return OutboundSettings(
        allowed_hosts=(target.host,),
        ports=(target.port,),
        allow_unencrypted=target.allow_unencrypted or target.is_local,
        exposed_internal_networks=(*own, *target.exposed_internal_networks),
        max_answer_bytes=MAX_ANSWER,
        total_timeout=TIMEOUT,
        max_concurrent=1,
    )


def _seconds(headers: Mapping[str, str]) -> float:
    text = headers.get("retry-after", "")
    return min(float(text), MAX_WAIT) if text.isascii() and text.isdigit() else 0.0
