"""The session cookie as a credential."""

from __future__ import annotations

from typing import Final

from zenith.authentication import RevocationList, Subject, SubjectCache
from zenith.kernel.clock import Clock, steady_clock, wall_clock
from zenith.kernel.keys import digest
from zenith.kernel.principal import ANONYMOUS, Principal
from zenith.pipeline.exchange import Exchange
from zenith.sessions.binding import SessionWatch
from zenith.sessions.cache import SessionCache
from zenith.sessions.cookie import LENGTH, VALUE
from zenith.sessions.session import Sessions
from zenith.sessions.settings import SessionSettings
from zenith.sessions.store import SessionRecord

NAME: Final = "session"


class SessionScheme:
    """Recognises the session cookie.

    Threat: acting with a guessed, stolen or ended session (ASVS 7.2.1, 7.4.1, 7.4.2). A cookie
    that is malformed, unknown, expired or ended is no error, for browsers send old ones by
    themselves: the request is anonymous. Nor is it cleared: the answer to one tab's old cookie
    would remove the new one that another tab has just received. `watch` ends a session that is
    used elsewhere than where it began.
    """

    def __init__(
        self,
        sessions: Sessions,
        subjects: SubjectCache,
        revocations: RevocationList,
        settings: SessionSettings | None = None,
        *,
        watch: SessionWatch | None = None,
        clock: Clock = wall_clock,
        steady: Clock = steady_clock,
    ) -> None:
        settings = settings or SessionSettings()
        self._cookie: Final = settings.cookie
        self._subjects: Final = subjects
        self._revocations: Final = revocations
        self._watch: Final = watch
        self._cache: Final = SessionCache(
            sessions, revocations, entries=settings.cache_entries, clock=clock, steady=steady
        )

    @property
    def name(self) -> str:
        """`session`."""
        return NAME

    @property
    def challenge(self) -> str | None:
        """None: no header asks a browser for a cookie."""
        return None

    def recall(self, exchange: Exchange) -> Principal | None:
        """The principal of a session that was met within the last second."""
        value = exchange.cookies.get(self._cookie)
        if value is None:
            return ANONYMOUS
        key = exchange.head.facts.get(self)
        if key is None:
            key = exchange.head.facts[self] = digest(value)
        live = self._cache.peek(key) if self._revocations.is_fresh else None
        subject = None if live is None else self._subjects.peek(live.record.account_id)
        if live is None or subject is None or live.subject is not subject:
            return None
        if self._watch is not None and self._watch.breach(live.record, exchange):
            return None
        exchange.state[SessionScheme] = live.record
        return live.principal if subject.active else ANONYMOUS

    async def authenticate(self, exchange: Exchange) -> Principal | None:
        """The session's principal, or None; ServiceUnavailableError where it cannot be known."""
        return await self.reconsider(exchange, used=True)

    async def reconsider(self, exchange: Exchange, *, used: bool = True) -> Principal | None:
        """The same; a cookie costs nothing to judge again."""
        value = exchange.cookies.get(self._cookie)
        if value is None or len(value) != LENGTH:
            return None
        await self._revocations.refresh()
        key = digest(value)
        live = self._cache.peek(key)
        if live is None:
            read = self._cache.read if used else self._cache.look
            live = await read(key) if VALUE.fullmatch(value) else None
            if live is None:
                return None
        if self._watch is not None:
            breach = self._watch.breach(live.record, exchange)
            if breach:
                await self._watch.end(live.record, breach, exchange)
                return None
        subject = await self._subjects.find(live.record.account_id)
        if subject is None or not subject.active:
            return None
        if live.subject is not subject:
            live.principal, live.subject = _principal(live.record, subject), subject
        exchange.state[SessionScheme] = live.record
        return live.principal


def session_of(exchange: Exchange) -> SessionRecord | None:
    """The session whose cookie proved the caller; None for every other kind of credential."""
    record = exchange.state.get(SessionScheme)
    return record if isinstance(record, SessionRecord) else None


def _principal(record: SessionRecord, subject: Subject) -> Principal:
    return Principal(
        subject=subject.id,
        roles=subject.roles,
        permissions=subject.permissions,
        session_id=record.id,
        factors=record.factors,
        tenant=subject.tenant,
        scheme=NAME,
    )
