"""What the flows need that end sign-ins by a mailed link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from zenith.accounts.cleanup import AccountCleanup, clean_up
from zenith.accounts.client import Client
from zenith.accounts.evenness import EvenTime
from zenith.accounts.mail_flows.links import MailLinks
from zenith.accounts.notices import Notices
from zenith.accounts.sign_in import SignIn
from zenith.accounts.store import AccountStore, MailLinkStore
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.events import EventSink
from zenith.kernel.records import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class FlowParts:
    """Shared by the flows by mail."""

    accounts: AccountStore
    store: MailLinkStore
    links: MailLinks
    sign_in: SignIn
    notices: Notices
    events: EventSink
    even_time: EvenTime
    clock: Clock = wall_clock


class MailFlow:
    """A flow in which a mailed link changes what opens an account.

    Threat: a thief whose sessions and credentials outlive it (ASVS 7.4.3). `cleanups` end what
    other capabilities keep for him.
    """

    def __init__(self, parts: FlowParts, cleanups: Sequence[AccountCleanup]) -> None:
        self._accounts: Final = parts.accounts
        self._store: Final = parts.store
        self._links: Final = parts.links
        self._sign_in: Final = parts.sign_in
        self._notices: Final = parts.notices
        self._events: Final = parts.events
        self._even_time: Final = parts.even_time
        self._clock: Final = parts.clock
        self._cleanups: Final = tuple(cleanups)

    async def _end_all(
        self, account_id: str, client: Client, *, reason: str, since: float = 0.0
    ) -> None:
        """End every sign-in, and what was added `since` (Unix time in seconds) beyond them."""
        await self._sign_in.end_all(account_id)
        await clean_up(self._cleanups, account_id, since=since, reason=reason, client=client)
