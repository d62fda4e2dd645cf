"""Bans as this process knows them: at most a second behind the store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

from zenith.abuse.bans.ban import MAX_REASON, Ban, BanTarget
from zenith.abuse.bans.banned import ENDLESS, BannedSet
from zenith.abuse.bans.errors import BannedError, NeverBannedError, SelfBanError
from zenith.abuse.bans.rules import REASONS, RefusalRules
from zenith.abuse.bans.settings import BanSettings
from zenith.abuse.bans.store import BanStore
from zenith.kernel.background import end
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import SecurityError, ServiceUnavailableError, ValidationError
from zenith.kernel.events import Event, EventSink, EventType, Silence
from zenith.kernel.network import Network, client_key, parse_address, parse_networks
from zenith.kernel.one_step import one_step

INTERVAL: Final = 0.5
"""Seconds between two questions to the store, beside the requests."""
OVERLAP: Final = 30.0
"""Seconds that each question reaches back: longer than any transaction or clock skew."""
MAX_PENDING: Final = 10_000
AT_ONCE: Final = 100
"""Automatic bans that are stored before the store is asked for news again."""
LONGEST: Final = 10 * 365 * 86_400.0
PAGE: Final = 50

_log: Final = logging.getLogger("zenith")


class Bans:
    """Makes bans, lifts them, and knows whom they keep out.

    Threat: an address, account or key that must be kept out now, in every process, whatever it
    still holds (ASVS 2.4.1, 6.3.1). The store decides; this process asks it twice a second and
    keeps the answer in memory, so that a request waits for nobody. Where the store cannot be asked,
    the bans that are known go on. `proxies` are the trusted ones: they are never banned.
    """

    def __init__(
        self,
        store: BanStore,
        settings: BanSettings | None = None,
        *,
        proxies: Sequence[Network] = (),
        events: EventSink | None = None,
        clock: Clock = wall_clock,
        interval: float = INTERVAL,
    ) -> None:
        self.settings: Final = settings or BanSettings()
        self.banned: Final = BannedSet()
        """Whom this process refuses."""
        self.rules: Final = RefusalRules(self.settings)
        self._store: Final = store
        self._events: Final = events or Silence()
        self._clock: Final = clock
        self._interval: Final = interval
        never = parse_networks(self.settings.never_banned, setting="abuse.bans.never_banned")
        self._never: Final = (*never, *proxies)
        spared = parse_networks(self.settings.spared_networks, setting="abuse.bans.spared_networks")
        self._spared: Final = (*self._never, *spared)
        self._cursor = 0.0
        self._pending: Final[dict[BanTarget, str]] = {}
        self._due: Final = asyncio.Event()
        self._beside: asyncio.Task[None] | None = None
        self._is_deaf = False

    async def ban(
        self,
        target: BanTarget | str,
        *,
        reason: str,
        seconds: float | None = None,
        by: str = "code",
        own: Iterable[BanTarget] = (),
        force: bool = False,
    ) -> Ban:
        """Ban `target` (see `BanTarget.parse`) for `seconds`, or until it is lifted; it holds here
        at once and in every process within a second. A ban that exists is replaced.

        `by` is the subject id of who makes it, `own` is what that person holds: a ban that covers
        any of it needs `force`. Raises ValidationError, SelfBanError and NeverBannedError.
        """
        if isinstance(target, str):
            target = BanTarget.parse(target)
        reason = _checked_reason(reason)
        if seconds is not None and not 1.0 <= seconds <= LONGEST:
            raise ValidationError("A ban lasts between a second and ten years, or until lifted")
        if target.lies_in(self._never):
            raise NeverBannedError
        if not force and any(target.covers(each) for each in own):
            raise SelfBanError
        now = self._clock()
        until = None if seconds is None else now + seconds
        wanted = Ban(
            target=target,
            reason=reason,
            made_by=by,
            created_at=now,
            updated_at=now,
            until=until,
        )
        async with one_step():
            stored = await self._store.put(wanted)
            await self._events.record(_event(EventType.BAN_BEGAN, stored, by=by, now=now))
        self._apply(stored, now)
        return stored

    async def lift(self, target: BanTarget | str, *, by: str = "code") -> bool:
        """End a ban; whether there was one. Offences before it are forgotten."""
        if isinstance(target, str):
            target = BanTarget.parse(target)
        now = self._clock()
        async with one_step():
            lifted = await self._store.lift(target, now=now)
            if lifted is not None:
                await self._events.record(_event(EventType.BAN_LIFTED, lifted, by=by, now=now))
        self._pending.pop(target, None)
        self.banned.remove(target)
        return lifted is not None

    async def active(
        self, *, limit: int = PAGE, offset: int = 0, search: str = ""
    ) -> Sequence[Ban]:
        """Bans that hold now, the newest first, as the store has them."""
        now = self._clock()
        return await self._store.active(now=now, limit=limit, offset=offset, search=search)

    def refuse(self, until: float, who: str) -> None:
        """Raise BannedError unless the ban is over, or `who` is an address that is never banned."""
        now = self._clock()
        if until > now and not _is_in(self._never, who):
            raise BannedError(
                retry_after=None if until == ENDLESS else until - now, reason=f"banned: {who}"
            )

    def refused(self, rule: str, client: str) -> None:
        """Count a refusal of `client`, an address; ban it where a rule says so. Never waits: the
        ban holds here at once, and is stored beside the requests.
        """
        now = self._clock()
        if not self.rules.count(rule, client_key(client), now=now):
            return
        full = len(self._pending) >= MAX_PENDING or len(self.banned) >= self.settings.max_automatic
        target = BanTarget.of_client(client)
        if full or target is None or _is_in(self._spared, client):
            return
        if self.banned.of_address(client) is None:
            self.banned.put(target, now + self.settings.first_ban)
        self._pending.setdefault(target, rule)
        self._due.set()

    async def refresh(self) -> None:
        """Store what rules have banned, and take over what has changed. Raises
        ServiceUnavailableError where the store cannot be asked.
        """
        for target in list(self._pending)[:AT_ONCE]:
            await self._offend(target, self._pending[target])
            self._pending.pop(target, None)
        now = self._clock()
        is_first = self._cursor == 0.0
        found = await self._store.since(self._cursor, alive_at=now if is_first else 0.0)
        for ban in found:
            self._apply(ban, now)
        self._cursor = now - OVERLAP
        self.banned.expire(now)

    async def start(self) -> None:
        """Load the bans and keep them fresh beside the requests."""
        await self.refresh()
        if self._beside is None:
            self._beside = asyncio.create_task(self._keep_fresh(), name="zenith-bans")

    async def stop(self) -> None:
        """Stop asking; what rules have banned is stored before."""
        if self._beside is not None:
            await end(self._beside)
            self._beside = None
            if self._pending:
                with suppress(ServiceUnavailableError):
                    await self.refresh()

    async def prune(self) -> int:
        """Remove from the store what can no longer matter."""
        return await self._store.prune(before=self._clock() - self.settings.offence_memory)

    async def _offend(self, target: BanTarget, rule: str) -> None:
        now = self._clock()
        wanted = Ban(
            target=target,
            reason=REASONS[rule],
            made_by=f"rule:{rule}",
            created_at=now,
            updated_at=now,
            until=now,
            automatic=True,
        )
        settings = self.settings
        async with one_step():
            stored = await self._store.offend(
                wanted, durations=settings.durations, memory=settings.offence_memory
            )
            if stored is not None:
                event = _event(EventType.BAN_BEGAN, stored, by=wanted.made_by, now=now)
                await self._events.record(event)
        if stored is not None:
            self._apply(stored, now)

    async def _keep_fresh(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._due.wait()
            self._due.clear()
            try:
                await self.refresh()
            except SecurityError as error:
                if not self._is_deaf:
                    _log.warning("bans: no news from the store: %s", error.reason)
                self._is_deaf = True
                await asyncio.sleep(self._interval)
            else:
                self._is_deaf = False

    def _apply(self, ban: Ban, now: float) -> None:
        if ban.holds(now):
            self.banned.put(ban.target, ENDLESS if ban.until is None else ban.until)
        else:
            self.banned.remove(ban.target)


def _is_in(networks: Sequence[Network], who: str) -> bool:
    address = parse_address(who) if networks else None
    return address is not None and any(address in network for network in networks)


def _checked_reason(reason: str) -> str:
    reason = reason.strip()
    if not 0 < len(reason) <= MAX_REASON or not reason.isprintable():
        raise ValidationError(f"Say why, in one line of at most {MAX_REASON} characters")
    return reason


def _event(kind: EventType, ban: Ban, *, by: str, now: float) -> Event:
    return Event(
        type=kind,
        outcome="success",
        at=now,
        subject=by,
        target=str(ban.target),
        reason=ban.reason,
        severity="WARNING",
        details={"until": ban.until, "automatic": ban.automatic, "offences": ban.offences},
    )
