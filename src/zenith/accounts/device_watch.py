"""What happens when a bound sign-in is used elsewhere than where it began."""

from __future__ import annotations

from typing import Final

from zenith.accounts.client import Client
from zenith.accounts.notices import Notices, seen
from zenith.accounts.store import AccountStore
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import AuthenticationError
from zenith.kernel.events import EventSink, EventType
from zenith.kernel.one_step import one_step
from zenith.pipeline.exchange import Exchange
from zenith.sessions import DeviceBinding, SessionRecord, Sessions
from zenith.tokens import RefreshTokens

NOTICE: Final = "session_elsewhere"


class DeviceWatch:
    """Ends a sign-in that comes from another device or network, and tells the owner.

    Threat: see `DeviceBinding`. The end comes first: whatever fails afterwards, the copied
    credential is worth nothing any more, in every process.
    """

    def __init__(
        self,
        binding: DeviceBinding,
        *,
        accounts: AccountStore,
        sessions: Sessions,
        refresh: RefreshTokens,
        events: EventSink,
        notices: Notices | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self._binding: Final = binding
        self._accounts: Final = accounts
        self._sessions: Final = sessions
        self._refresh: Final = refresh
        self._events: Final = events
        self._notices: Final = notices
        self._clock: Final = clock

    def breach(self, record: SessionRecord, exchange: Exchange) -> str:
        """What differs from where the session began; empty if nothing does."""
        return self._binding.breach(
            record, address=exchange.client, user_agent=exchange.header(b"user-agent")
        )

    async def end(self, record: SessionRecord, breach: str, exchange: Exchange) -> None:
        """End the session of a request."""
        await self._end(record, breach, Client.of(exchange))

    async def check(self, record: SessionRecord, client: Client) -> None:
        """End a sign-in whose refresh token comes from elsewhere, and raise AuthenticationError."""
        breach = self._binding.breach(record, address=client.address, user_agent=client.user_agent)
        if breach:
            await self._end(record, breach, client)
            raise AuthenticationError(reason=f"bound to another {breach}")

    async def _end(self, record: SessionRecord, breach: str, client: Client) -> None:
        now = self._clock()
        async with one_step():
            await self._sessions.end(record.id, account_id=record.account_id, announce=True)
            await self._refresh.revoke_family(record.id)
            await self._events.record(
                client.event(
                    EventType.SUSPICIOUS_ACTIVITY,
                    "failure",
                    at=now,
                    target=record.account_id,
                    session_id=record.id,
                    reason=f"a sign-in was used from another {breach} and was ended",
                    severity="WARNING",
                )
            )
        account = await self._accounts.by_id(record.account_id)
        if self._notices is not None and account is not None:
            await self._notices.tell(account, NOTICE, **seen(client, now))
