"""Sessions as this process knows them: at most one second behind the store."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from math import inf
from typing import Final

from zenith.authentication import Revocation, RevocationList, Subject
from zenith.kernel.clock import Clock, steady_clock, wall_clock
from zenith.kernel.principal import ANONYMOUS, Principal
from zenith.kernel.shared_reads import SharedReads
from zenith.sessions.session import Sessions
from zenith.sessions.store import SessionRecord

MAX_AGE: Final = 1.0
"""Seconds for which a record is believed before the store is asked again."""


class LiveSession:
    """A session's record, when it was read, and what the scheme made of it."""

    __slots__ = ("principal", "read_at", "record", "subject")

    def __init__(self, record: SessionRecord, read_at: float) -> None:
        self.record: Final = record
        self.read_at: Final = read_at
        self.subject: Subject | None = None
        """The account's state for which `principal` was made."""
        self.principal: Principal = ANONYMOUS


class SessionCache:
    """Live sessions by the digest of their cookie.

    Threat: a cache that outlives the sign-out (ASVS 7.4.1). Entries are dropped as soon as their
    end, or their rotation, is known here, and an answer of the store during which something ended
    is not kept. Only live sessions take room, so that a flood of made-up cookies evicts nothing.
    """

    def __init__(
        self,
        sessions: Sessions,
        revocations: RevocationList,
        *,
        entries: int,
        clock: Clock = wall_clock,
        steady: Clock = steady_clock,
    ) -> None:
        self._sessions: Final = sessions
        self._revocations: Final = revocations
        self._entries: Final = entries
        self._clock: Final = clock
        self._steady: Final = steady
        self._live: Final[OrderedDict[str, LiveSession]] = OrderedDict()
        self._digests: Final[dict[str, str]] = {}
        self._generation = 0
        self._reads: Final[SharedReads[LiveSession | None]] = SharedReads()
        revocations.subscribe(self._on_revocation)

    def peek(self, digest: str) -> LiveSession | None:
        """The live session with this cookie, if it is cached. Refresh the revocations before."""
        live = self._live.get(digest)
        if (
            live is None
            or self._steady() - live.read_at >= MAX_AGE
            or self._clock() >= live.record.idle_expires_at
        ):
            return None
        return live

    async def read(self, digest: str) -> LiveSession | None:
        """The live session with this cookie, from the store; its use is noted."""
        return await self._reads.of(digest, self._generation, partial(self._read, digest))

    async def look(self, digest: str) -> LiveSession | None:
        """The same, but it is no use of the session, and not kept: behind what is looked at every
        second, uses would not be noted.
        """
        return await self._reads.of(("look", digest), self._generation, partial(self._look, digest))

    async def _look(self, digest: str) -> LiveSession | None:
        record = await self._sessions.find(digest)
        if record is None or self._is_revoked(digest, record):
            self._drop(digest)
            return None
        return LiveSession(record, self._steady())

    async def _read(self, digest: str) -> LiveSession | None:
        generation = self._generation
        record = await self._sessions.find(digest)
        if record is None or self._is_revoked(digest, record):
            self._drop(digest)
            return None
        live = self.peek(digest)
        if live is not None:
            # Another request read it meanwhile, and writes its use down if that is due.
            return live
        used = self._sessions.used(record)
        live = LiveSession(used, self._steady())
        if generation == self._generation:
            self._keep(digest, live)
        if used is not record and not await self._sessions.write(used):
            self._drop(digest)
            return None
        return live

    def _is_revoked(self, digest: str, record: SessionRecord) -> bool:
        return any(
            self._revocations.is_revoked(subject="", session_id=key, token_id=None, issued_at=inf)
            for key in (record.id, digest)
        )

    def _keep(self, digest: str, live: LiveSession) -> None:
        self._live[digest] = live
        self._live.move_to_end(digest)
        self._digests[live.record.id] = digest
        if len(self._live) > self._entries:
            self._drop(next(iter(self._live)))

    def _drop(self, digest: str) -> None:
        live = self._live.pop(digest, None)
        if live is not None and self._digests.get(live.record.id) == digest:
            del self._digests[live.record.id]

    def _on_revocation(self, revocation: Revocation) -> None:
        self._generation += 1
        if revocation.kind == "session":
            self._drop(self._digests.get(revocation.key, revocation.key))
