"""The guard that records refused requests."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

from zenith.audit.log import AuditLog
from zenith.audit.refusals import WINDOW, RefusalTally, kind_of, reason_of, weight_of
from zenith.audit.settings import AuditSettings
from zenith.kernel.background import end
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.events import Event, EventType
from zenith.kernel.network import client_key
from zenith.pipeline.exchange import Exchange
from zenith.pipeline.guard import Guard
from zenith.pipeline.stage import Stage

LOWEST_REFUSAL: Final = 400
REQUEST_ID: Final = b"x-request-id"
CREDENTIALS: Final = (b"authorization", b"x-api-key", b"dpop")


class AuditGuard(Guard):
    """Records what was refused and what broke; starts and stops the log.

    Threat: attempts that nobody hears of (ASVS 16.3.2 to 16.3.4). An event names the route's
    template and never the path, query or body, which may hold secrets. The response to a recorded
    request carries `X-Request-ID`, the id that its event has.
    """

    stage: ClassVar[Stage] = Stage.AUDIT

    def __init__(
        self,
        log: AuditLog,
        settings: AuditSettings | None = None,
        *,
        clock: Clock = wall_clock,
        window: float = WINDOW,
    ) -> None:
        settings = settings or AuditSettings()
        self._log: Final = log
        self._clock: Final = clock
        self._window: Final = window
        per_client, in_all = settings.refusals_per_client, settings.refusals_in_all
        self._decisions: Final = settings.record_decisions
        self._tally: Final = RefusalTally(per_client=per_client, in_all=in_all)
        self._ticking: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Start the log and the minutes of counting."""
        await self._log.start()
        self._ticking = asyncio.create_task(self._tick(), name="zenith-audit-refusals")

    async def shutdown(self) -> None:
        """Say what was only counted, and stop the log once it has stored everything."""
        if self._ticking is not None:
            await end(self._ticking)
            self._ticking = None
        self._summarize()
        await self._log.stop()

    def on_response(self, exchange: Exchange) -> None:
        """Record a refusal or an error; ordinary responses pass, unless each decision counts."""
        if exchange.status < LOWEST_REFUSAL:
            if self._decisions and exchange.admitted is not None:
                self._log.note(self._event(EventType.ACCESS_GRANTED, exchange, ""))
            return
        presented = any(name in exchange.headers for name in CREDENTIALS)
        failure = exchange.refusal or exchange.failure
        kind = kind_of(exchange.status, failure, presented=presented)
        if kind is None or not self._tally.admit(client_key(exchange.client), kind):
            return
        self._log.note(self._event(kind, exchange, reason_of(exchange.status, failure)))
        headers = [each for each in exchange.response_headers if each[0].lower() != REQUEST_ID]
        exchange.response_headers = [*headers, (REQUEST_ID, exchange.request_id.encode("ascii"))]

    def _event(self, kind: EventType, exchange: Exchange, reason: str) -> Event:
        outcome, severity = weight_of(kind)
        principal = exchange.principal
        return Event(
            type=kind,
            outcome=outcome,
            at=self._clock(),
            subject=principal.subject or None,
            target=f"{exchange.method} {exchange.route}" if exchange.route else None,
            session_id=principal.session_id,
            scheme=principal.scheme,
            address=exchange.client,
            user_agent=exchange.header(b"user-agent"),
            request_id=exchange.request_id,
            reason=reason,
            severity=severity,
            details={"status": exchange.status},
        )

    def _summarize(self) -> None:
        for client, counts in self._tally.close():
            self._log.note(
                Event(
                    type=EventType.SUSPICIOUS_ACTIVITY,
                    outcome="denied",
                    at=self._clock(),
                    address=client,
                    reason="more refused requests than are recorded singly",
                    severity="WARNING",
                    details={"seconds": self._window, "counted": dict(counts)},
                )
            )

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._window)
            self._summarize()
