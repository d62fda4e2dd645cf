"""Server-side sessions: a random cookie, its digest in the store, and ends that are final."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from zenith.authentication import Revocation, RevocationList, session_revocations
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import ValidationError
from zenith.kernel.events import Event, EventSink, EventType, Silence
from zenith.kernel.keys import digest, new_id, new_token
from zenith.kernel.one_step import one_step
from zenith.kernel.principal import NO_FACTORS
from zenith.sessions.settings import DAY, SessionSettings
from zenith.sessions.store import SessionKind, SessionRecord, SessionStore
from zenith.sessions.text import address_text, agent_text

LONGEST_ACCESS: Final = 3660.0
"""Seconds: the longest lifetime of an access token that settings admit, and its leeway."""
ROTATION_MEMORY: Final = 60.0
"""Seconds for which a rotated cookie is announced: far longer than any process caches one."""
MAX_NAME: Final = 60
"""Characters of the name that an owner gives a sign-in."""


class Sessions:
    """Begins, rotates, lists and ends sign-ins.

    Threat: session ids that can be guessed, read from the database, fixed before the sign-in or
    used after the sign-out (ASVS 7.2.1 to 7.2.4, 7.3.1, 7.3.2, 7.4.1). A cookie is 256 random bits
    of which only the SHA-256 is kept. Whatever ends here is also announced as a revocation, so
    that caches and access tokens of the session die with it, in every process.

    `access_lifetime`: seconds for which an access token may be accepted, leeway included: so long
    is the end of its session remembered. `refresh_lifetime`: seconds that a sign-in of kind
    `tokens` lasts; it has no idle end, for programs may rest as long as their refresh token holds.
    `events` are told of sign-ins that end because there are too many; of all others by who ends
    them.
    """

    def __init__(
        self,
        store: SessionStore,
        revocations: RevocationList,
        settings: SessionSettings | None = None,
        *,
        access_lifetime: float = LONGEST_ACCESS,
        refresh_lifetime: float = 7 * DAY,
        events: EventSink | None = None,
        clock: Clock = wall_clock,
        random: Callable[[], str] = new_token,
    ) -> None:
        self._store: Final = store
        self._revocations: Final = revocations
        self._settings: Final = settings or SessionSettings()
        self._access_lifetime: Final = access_lifetime
        self._refresh_lifetime: Final = refresh_lifetime
        self._events: Final = events or Silence()
        self._clock: Final = clock
        self._random: Final = random

    async def start(
        self,
        account_id: str,
        *,
        kind: SessionKind,
        address: str = "",
        user_agent: str = "",
        factors: Mapping[str, float] = NO_FACTORS,
        remember: bool = False,
    ) -> tuple[SessionRecord, str | None]:
        """A new session and, for a browser, the value of its cookie: shown once, never stored.

        `factors` maps what was proven to the Unix time of the proof. `remember` gives a browser
        the longer lifetimes. The account's sign-ins beyond `max_per_account` end.
        """
        now = self._clock()
        cookie = self._random() if kind == "browser" else None
        idle = lifetime = self._refresh_lifetime
        if cookie is not None:
            idle, lifetime = self._settings.lifetimes(remembered=remember)
        record = SessionRecord(
            id=new_id(),
            account_id=account_id,
            kind=kind,
            digest=digest(cookie) if cookie else None,
            created_at=now,
            last_seen_at=now,
            idle_expires_at=now + idle,
            expires_at=now + lifetime,
            address=address_text(address),
            user_agent=agent_text(user_agent),
            factors=dict(factors),
            remembered=remember and cookie is not None,
        )
        async with one_step():
            ended = await self._store.create(record, at_most=self._settings.max_per_account)
            for session_id in ended:
                await self._events.record(_put_out(session_id, account_id, at=now))
        await self._announce(ended)
        return record, cookie

    async def find(self, cookie_digest: str) -> SessionRecord | None:
        """The live session whose cookie has this SHA-256."""
        return await self._store.find(cookie_digest, now=self._clock())

    async def get(self, session_id: str) -> SessionRecord | None:
        """The live session with this id. Knowing the id proves nothing."""
        return await self._store.get(session_id, now=self._clock())

    async def list(self, account_id: str) -> Sequence[SessionRecord]:
        """The account's live sessions, newest use first (ASVS 7.5.2)."""
        return await self._store.of_account(account_id, now=self._clock())

    def used(self, record: SessionRecord) -> SessionRecord:
        """The record as it is after use now: the same object if that need not be written down."""
        now = self._clock()
        if now - record.last_seen_at < self._settings.touch_interval:
            return record
        if record.kind == "tokens":
            return replace(record, last_seen_at=now)
        idle, _ = self._settings.lifetimes(remembered=record.remembered)
        idle_end = min(now + idle, record.expires_at)
        return replace(record, last_seen_at=now, idle_expires_at=idle_end)

    async def write(self, used: SessionRecord) -> bool:
        """Write down the use that `used` notes; False if the session has ended meanwhile."""
        return await self._store.touch(
            used.id, now=used.last_seen_at, idle_expires_at=used.idle_expires_at
        )

    async def touch(self, record: SessionRecord) -> bool:
        """Note that the session is used now, at most once a minute; False if it has ended."""
        used = self.used(record)
        return used is record or await self.write(used)

    async def rotate(
        self, record: SessionRecord, *, factors: Mapping[str, float] = NO_FACTORS
    ) -> tuple[SessionRecord, str] | None:
        """Give the session a new cookie, at every change of privilege (ASVS 7.2.4).

        `factors` were proven now and are added to those known. Returns None if the session is not
        live, has no cookie, or another request was first. The old cookie is dead afterwards, and
        the absolute end does not move.
        """
        if record.digest is None:
            return None
        now = self._clock()
        cookie = self._random()
        rotated = await self._store.rotate(
            record.digest, digest(cookie), now=now, factors={**record.factors, **factors}
        )
        # The id stays, so it is the old digest that caches must forget.
        await self._revocations.revoke(
            Revocation(kind="session", key=record.digest, at=now, until=now + ROTATION_MEMORY)
        )
        return None if rotated is None else (rotated, cookie)

    async def prove(
        self,
        session_id: str,
        account_id: str,
        factors: Mapping[str, float],
        *,
        presented: str | None = None,
    ) -> tuple[SessionRecord, str | None] | None:
        """Note that `factors` were proven again, at their Unix times; a browser gets a new cookie.

        Threat: a cookie that was stolen before the step-up and is worth more after it (ASVS 7.2.4,
        7.5.3). `presented` is the digest of the cookie that the proof came with: a proof beside a
        cookie that was replaced meanwhile counts for nothing, and of many at the same time one
        counts. Sessions of kind `tokens` have no cookie: their next access token says more.

        Returns the session as it is now and the new cookie, if it has one; None if the session is
        not live, is another account's, or another request was first.
        """
        now = self._clock()
        record = await self._store.get(session_id, now=now)
        if record is None or record.account_id != account_id:
            return None
        if record.digest is None:
            proven = await self._store.prove(
                session_id, account_id=account_id, factors=factors, now=now
            )
            return None if proven is None else (proven, None)
        if presented is not None and presented != record.digest:
            return None
        return await self.rotate(record, factors=factors)

    async def rename(self, session_id: str, name: str, *, account_id: str) -> bool:
        """Give one of the account's live sessions a name; an empty one takes it back.

        Raises ValidationError for a name that is too long or could not be shown; returns False if
        the account has no such session.
        """
        name = unicodedata.normalize("NFC", name.strip())
        if len(name) > MAX_NAME or not name.isprintable():
            raise ValidationError(f"Enter a name of at most {MAX_NAME} printable characters")
        return await self._store.rename(
            session_id, account_id=account_id, name=name, now=self._clock()
        )

    async def end(self, session_id: str, *, account_id: str, announce: bool = False) -> bool:
        """End one session of the account; False if it has none with this id.

        `announce` makes its end known even if the store has it no more: for callers who have proven
        that it is theirs, so that an end that failed half-way can be repeated.
        """
        ended = await self._store.end(session_id, account_id=account_id)
        if ended or announce:
            await self._announce((session_id,))
        return ended

    async def end_all(self, account_id: str, *, except_id: str | None = None) -> Sequence[str]:
        """End every session of the account but one; the ids of those ended (ASVS 7.4.3).

        Without an exception, access tokens that belong to no session end too.
        """
        now = self._clock()
        known = {record.id for record in await self._store.of_account(account_id, now=now)}
        known.discard(except_id or "")
        # Announced before they are removed: if the second step fails, it can be repeated.
        await self._announce(sorted(known), account_id=None if except_id else account_id)
        ended = await self._store.end_all(account_id, except_id=except_id)
        await self._announce([key for key in ended if key not in known])
        return ended

    async def renew(self, account_ids: Iterable[str]) -> None:
        """Refuse the access tokens that these accounts have, so that they are refreshed with what
        the accounts may do by now. Their sessions go on.
        """
        now = self._clock()
        until = now + self._access_lifetime
        await self._revocations.revoke(
            *(Revocation(kind="subject", key=key, at=now, until=until) for key in account_ids)
        )

    async def prune(self) -> int:
        """Remove from the store what is not live any more; how many there were."""
        return await self._store.prune(now=self._clock())

    async def _announce(self, ended: Sequence[str], *, account_id: str | None = None) -> None:
        now = self._clock()
        until = now + self._access_lifetime
        revocations = session_revocations(ended, at=now, until=until)
        if account_id is not None:
            revocations.append(Revocation(kind="subject", key=account_id, at=now, until=until))
        await self._revocations.revoke(*revocations)


def _put_out(session_id: str, account_id: str, *, at: float) -> Event:
    return Event(
        type=EventType.SESSION_ENDED,
        outcome="success",
        at=at,
        target=account_id,
        session_id=session_id,
        reason="more sign-ins than an account has",
    )
