"""Revocations as this process knows them: at most one second behind the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol, TypeAlias

from zenith.authentication.store import (
    Revocation,
    RevocationChannel,
    RevocationKind,
    RevocationStore,
)
from zenith.kernel.background import end
from zenith.kernel.clock import CLOCK_MARGIN, Clock, steady_clock, wall_clock

Listener: TypeAlias = Callable[[Revocation], None]

MAX_AGE: Final = 1.0
"""Seconds for which the list is believed before the store is asked again."""
OVERLAP: Final = 30.0
"""Seconds that each question reaches back: longer than any transaction or clock skew, so that no
revocation that is stored late falls between two questions."""


class Follower(Protocol):
    """Something else that every process must know within a second, such as the roles."""

    async def refresh(self) -> bool:
        """Ask its store; whether what credentials stand for may have changed.

        Raises ServiceUnavailableError where the store cannot be asked.
        """
        ...


class RevocationList:
    """What was revoked, held in memory, refreshed from the store at most once a second.

    Threat: a credential that outlives its sign-out, lock or password change (ASVS 7.4.1, 7.4.2).
    Memory is bounded by what was revoked within one token lifetime and `CLOCK_MARGIN`. Where the
    store cannot be asked, `refresh` raises ServiceUnavailableError: an unknown credential is not a
    valid one.
    """

    def __init__(
        self,
        store: RevocationStore,
        *,
        channel: RevocationChannel | None = None,
        clock: Clock = wall_clock,
        steady: Clock = steady_clock,
    ) -> None:
        self._store: Final = store
        self._channel: Final = channel
        self._clock: Final = clock
        self._steady: Final = steady
        self._known: dict[tuple[RevocationKind, str], Revocation] = {}
        self._listeners: list[Listener] = []
        self._followers: list[Follower] = []
        self._news = 0
        self._refreshed = float("-inf")
        self._cursor = 0.0
        self._lock: Final = asyncio.Lock()
        self._listening: asyncio.Task[None] | None = None
        self.version = 0
        """Grows with each revocation that becomes known: what was judged before is out of date."""

    @property
    def is_fresh(self) -> bool:
        """Whether `refresh` would not ask: for those who spare themselves the call."""
        return self._steady() - self._refreshed < MAX_AGE

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` for each revocation that becomes known: caches drop what it concerns."""
        self._listeners.append(listener)

    def follow(self, follower: Follower) -> None:
        """Refresh `follower` together with the list. What it has to tell reaches the listeners as a
        revocation of the kind `roles`, after it has changed.
        """
        self._followers.append(follower)

    async def announce(self) -> None:
        """Let followers look at once, here and in the processes that listen: call it after a change
        of what they follow was stored.
        """
        now = self._clock()
        news = (Revocation(kind="roles", key="*", at=now, until=now),)
        self._apply(news)
        if self._channel is not None:
            await self._channel.publish(news)
        await self.refresh()

    async def revoke(self, *revocations: Revocation) -> None:
        """Store, apply here, then tell the other processes."""
        if not revocations:
            return
        await self._store.add(revocations)
        self._apply(revocations)
        if self._channel is not None:
            await self._channel.publish(revocations)

    async def refresh(self) -> None:
        """Ask the store if the last answer is older than `MAX_AGE`."""
        if self._steady() - self._refreshed < MAX_AGE:
            return
        async with self._lock:
            asked = self._steady()
            if asked - self._refreshed < MAX_AGE:
                return
            now, news = self._clock(), self._news
            if now < self._cursor:
                # The clock was ahead and was set back: what others stored meanwhile was not found.
                self._cursor = 0.0
            found = await self._store.since(self._cursor)
            self._apply(found)
            for follower in self._followers:
                if await follower.refresh():
                    self._tell(Revocation(kind="roles", key="*", at=now, until=now))
            self._cursor = now - OVERLAP
            if news == self._news:
                # Otherwise something was announced while the stores answered: ask them again.
                self._refreshed = asked
            self._forget(now)

    def is_revoked(
        self, *, subject: str, session_id: str | None, token_id: str | None, issued_at: float
    ) -> bool:
        """Whether a credential with these marks must be refused. Call `refresh` before."""
        known = self._known
        if not known:
            return False
        if token_id is not None and ("token", token_id) in known:
            return True
        if session_id is not None and ("session", session_id) in known:
            return True
        revocation = known.get(("subject", subject))
        return revocation is not None and issued_at < revocation.at

    async def start(self) -> None:
        """Load what the store holds and begin to listen for news."""
        await self.refresh()
        if self._channel is not None:
            self._listening = asyncio.create_task(self._channel.listen(self._apply))

    async def stop(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            await end(self._listening)
            self._listening = None

    async def prune(self) -> int:
        """Remove from the store what can no longer matter, also to a clock that is behind."""
        return await self._store.prune(self._clock() - CLOCK_MARGIN)

    def _apply(self, revocations: Sequence[Revocation]) -> None:
        for revocation in revocations:
            if revocation.kind == "roles":
                self._news += 1
                self._refreshed = float("-inf")
                continue
            key = (revocation.kind, revocation.key)
            known = self._known.get(key)
            if known is not None and known.at >= revocation.at:
                continue
            self._known[key] = revocation
            self._tell(revocation)

    def _tell(self, revocation: Revocation) -> None:
        self.version += 1
        for listener in self._listeners:
            listener(revocation)

    def _forget(self, now: float) -> None:
        # A token that another machine dated later than the revocation lives longer than it says.
        gone = now - CLOCK_MARGIN
        expired = [key for key, revocation in self._known.items() if revocation.until < gone]
        for key in expired:
            del self._known[key]


def session_revocations(ids: Iterable[str], *, at: float, until: float) -> list[Revocation]:
    """One revocation for each ended session."""
    return [Revocation(kind="session", key=key, at=at, until=until) for key in ids]
