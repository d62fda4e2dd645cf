"""Making, rotating and ending keys."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Final, Protocol

from zenith.api_keys.actor import Actor
from zenith.api_keys.errors import KeyGoneError, KeyRequestError, TooManyKeysError
from zenith.api_keys.key import APIKey
from zenith.api_keys.key_format import lookup_of
from zenith.api_keys.places import Places
from zenith.api_keys.scopes import MANAGE_ALL, MANAGE_OWN, read_scopes
from zenith.api_keys.settings import DAY, APIKeySettings
from zenith.api_keys.store import APIKeyStore, Cursor
from zenith.authentication import Revocation, RevocationList, SubjectSource, is_thumbprint
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import AuthenticationError, NotFoundError, PermissionDeniedError
from zenith.kernel.events import EventSink, EventType
from zenith.kernel.keys import Secret, new_id
from zenith.kernel.one_step import one_step
from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import Principal
from zenith.kernel.records import dataclass

PAGE: Final = 50
KEPT: Final = 30 * DAY
"""Seconds for which dead keys are shown and known by name."""
PIERCES: Final = 120.0
"""Seconds for which a revocation is told to other processes, whose caches hold for one."""
MAX_NAME: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyRequest:
    """What a new key shall be."""

    name: str
    scopes: Sequence[str] = ()
    lifetime: float | None = None
    """Seconds; None: `default_lifetime`."""
    rate_limit: int | None = None
    """Requests per hour; None: as many as the settings allow."""
    owner_id: str | None = None
    """None for a service."""
    thumbprint: str | None = None
    """The public key (RFC 7638) whose holder alone shall use it; None: whoever has it may."""
    tenant: str | None = None
    """Where it shall act; None for outside of all tenants."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedKey:
    """A new key, for the one moment in which it is known."""

    record: APIKey
    secret: Secret
    """The key itself."""


class Pace(Protocol):
    """Limits how often one caller makes keys; raises RateLimitError. `assembly` provides it."""

    def __call__(self, actor: Actor) -> Awaitable[None]: ...


class Lives(Protocol):
    """Whether a sign-in has not ended, as the store says now. `assembly` provides it."""

    def __call__(self, session_id: str) -> Awaitable[bool]: ...


class Made(Protocol):
    """Tells the owner of a new key. `assembly` provides it."""

    def __call__(
        self, actor: Actor, key: APIKey, *, overlap: float | None = None
    ) -> Awaitable[None]:
        """`overlap` is set for the successor of a key that works on for so many seconds."""
        ...


class APIKeys:
    """What people, administrators and operators do with keys.

    Threat: a key made by somebody for more than they may do themselves, or a narrowed credential
    that makes itself a wider one (ASVS 8.2.1, 8.3.2). Nobody can hand on what they do not hold; a
    credential with scopes needs `api_keys:write` and can hand on those scopes only. Every change
    is on record before its answer leaves (ASVS 16.2.1). And a thief whose request is under way
    while the owner ends everything: who makes a key is looked at once more after it is stored, so
    that whoever ends all keys finds it, or it is seen here (ASVS 7.4.3). `binds` says whether
    proofs of possession are judged: without that no key can be bound. `subjects` says who belongs
    to which tenant: without it no key can be made for one.
    """

    def __init__(
        self,
        store: APIKeyStore,
        revocations: RevocationList,
        events: EventSink,
        settings: APIKeySettings | None = None,
        *,
        pace: Pace | None = None,
        made: Made | None = None,
        lives: Lives | None = None,
        binds: bool = True,
        subjects: SubjectSource | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self.settings: Final = settings or APIKeySettings()
        self._store: Final = store
        self._revocations: Final = revocations
        self._events: Final = events
        self._pace: Final = pace
        self._made: Final = made
        self._lives: Final = lives
        self.binds: Final = binds
        """Whether keys can be bound to a public key."""
        self.places: Final = Places(subjects)
        self._clock: Final = clock

    async def issue(self, actor: Actor, request: KeyRequest) -> IssuedKey:
        """A new key.

        Raises KeyRequestError for what no key can have, PermissionDeniedError for keys that are
        not the actor's to make, TooManyKeysError, RateLimitError, and NotFoundError if the owner
        is gone.
        """
        self._check_owner(actor, request.owner_id)
        scopes = read_scopes(request.scopes)
        held = await self.places.held(actor, request.owner_id, request.tenant)
        self._check_scopes(actor, scopes, held)
        await self._admit(actor)
        now = self._clock()
        issued = _make(
            APIKey(
                name=_name(request.name),
                key_hash="",
                prefix="",
                scopes=scopes,
                owner_id=request.owner_id,
                rate_limit=self._rate_limit(actor, request.rate_limit),
                created_at=now,
                expires_at=now + self._lifetime(request.lifetime),
                thumbprint=self._thumbprint(request.thumbprint),
                tenant=request.tenant,
            )
        )
        most = self.settings.max_per_owner
        async with one_step():
            outcome = await self._store.create(issued.record, now=now, most=most)
            if outcome == "full":
                raise TooManyKeysError
            if outcome == "no_owner":
                raise NotFoundError("There is no such account")
            await self._record(EventType.API_KEY_CREATED, actor, issued.record)
        await self._insist(actor, issued.record)
        if self._made is not None:
            await self._made(actor, issued.record)
        return issued

    async def rotate(self, actor: Actor, key_id: str, *, overlap: float | None = None) -> IssuedKey:
        """A new key like the old one, which ends after `overlap` seconds (None: as the settings
        say; 0: at once). Of many rotations of one key at once one wins.

        Raises NotFoundError for keys that are not the actor's, PermissionDeniedError,
        KeyGoneError for one that was rotated before or is dead, and TooManyKeysError where the
        owner's former keys work on in such numbers that living ones are twice the bound: else who
        has one key, and rotates it again and again, has any number of them.
        """
        overlap = self._overlap(overlap)
        old = await self._reachable(actor, key_id)
        if old.owner_id is not None and old.owner_id != actor.owner_id and not actor.trusted:
            raise PermissionDeniedError("Only its owner can rotate this key")
        held = await self.places.held(actor, old.owner_id, old.tenant)
        self._check_scopes(actor, old.scopes, held)
        await self._admit(actor)
        now = self._clock()
        issued = _make(self._fresh(old, now))
        most = 2 * self.settings.max_per_owner
        async with one_step():
            outcome = await self._store.rotate(
                key_id, issued.record, now=now, until=now + overlap, most=most
            )
            if outcome == "full":
                raise TooManyKeysError
            if outcome == "gone":
                raise KeyGoneError
            await self._record(EventType.API_KEY_ROTATED, actor, old, successor=issued.record.id)
        if overlap == 0:
            await self._end((key_id,), now)
        await self._insist(actor, issued.record)
        if self._made is not None:
            await self._made(actor, issued.record, overlap=overlap)
        return issued

    async def revoke(self, actor: Actor, key_id: str) -> bool:
        """End a key, here at once and everywhere within a second; False if it was revoked before.
        Raises NotFoundError for keys that are not the actor's.
        """
        key = await self._reachable(actor, key_id)
        now = self._clock()
        async with one_step():
            revoked = await self._store.revoke(key_id, now=now)
            if revoked:
                await self._record(EventType.API_KEY_REVOKED, actor, key)
        # Also where it was revoked before: that may have failed before this step.
        await self._end((key_id,), now)
        return revoked

    async def revoke_all(self, owner_id: str) -> Sequence[str]:
        """End every key of an account, for flows that end all it holds and record it. Their ids."""
        now = self._clock()
        ids = await self._store.revoke_all(owner_id, now=now)
        await self._end(ids, now)
        return ids

    async def own(self, actor: Actor) -> Sequence[APIKey]:
        """The actor's own keys that it reaches, the newest first; dead ones for thirty days."""
        if actor.owner_id is None:
            return ()
        found = await self._store.of_owner(actor.owner_id)
        return [key for key in found if actor.reaches(key)]

    async def page(self, actor: Actor, *, after: Cursor | None = None) -> Sequence[APIKey]:
        """Everybody's keys, the newest first, one more than a page holds if there are more.
        Raises PermissionDeniedError unless the actor manages all keys.
        """
        if not actor.manages_all:
            raise PermissionDeniedError(f"Permission denied: {MANAGE_ALL} required")
        return await self._store.page(after=after, limit=PAGE + 1)

    def offered(self, actor: Actor, held: Permissions) -> tuple[str, ...]:
        """Scopes that the actor, who holds this somewhere, may give there: for a form."""
        known = {*self.settings.scopes, *held, MANAGE_OWN}
        return tuple(sorted(scope for scope in known if self._may_give(actor, scope, held)))

    async def prune(self) -> int:
        """Forget keys that have been dead for thirty days."""
        return await self._store.prune(before=self._clock() - KEPT)

    async def _reachable(self, actor: Actor, key_id: str) -> APIKey:
        key = await self._store.get(key_id)
        if key is None or not actor.reaches(key):
            raise NotFoundError("There is no such key")
        return key

    def _check_owner(self, actor: Actor, owner_id: str | None) -> None:
        if owner_id is None:
            if not actor.manages_all:
                raise PermissionDeniedError(f"Permission denied: {MANAGE_ALL} required")
        elif owner_id != actor.owner_id and not actor.trusted:
            raise PermissionDeniedError("Only its owner can make a key of an account")

    def _check_scopes(self, actor: Actor, scopes: Sequence[str], held: Permissions) -> None:
        for scope in scopes:
            if not self._may_give(actor, scope, held):
                raise KeyRequestError(
                    "scopes", f"You cannot give the scope {scope}: it is not yours to hand on"
                )

    def _may_give(self, actor: Actor, scope: str, held: Permissions) -> bool:
        principal = actor.principal
        if actor.trusted:
            return True
        if principal.scopes is not None:
            return principal.has_scope(scope)
        if scope in self.settings.scopes or scope == MANAGE_OWN:
            return True
        return held.covers(scope)

    def _lifetime(self, asked: float | None) -> float:
        if asked is None:
            return self.settings.default_lifetime
        if not 1 <= asked <= self.settings.max_lifetime:
            days = int(self.settings.max_lifetime // DAY)
            raise KeyRequestError("expires_in", f"A key lives for at most {days} days")
        return asked

    def _overlap(self, asked: float | None) -> float:
        most = self.settings.rotation_overlap
        if asked is None:
            return most
        if not 0 <= asked <= most:
            raise KeyRequestError("overlap", f"Keys overlap for at most {int(most)} seconds")
        return asked

    def _fresh(self, old: APIKey, now: float) -> APIKey:
        """A successor, which lives as long as the old key was to, or as settings allow by now."""
        end = None
        if old.expires_at is not None:
            end = now + min(old.expires_at - old.created_at, self.settings.max_lifetime)
        return replace(
            old,
            id=new_id(),
            created_at=now,
            expires_at=end,
            last_used_at=None,
            last_used_address="",
        )

    def _rate_limit(self, actor: Actor, asked: int | None) -> int | None:
        most = self.settings.requests_per_hour
        if asked is None:
            return most
        if asked < 1 or (most is not None and asked > most and not actor.manages_all):
            raise KeyRequestError("rate_limit", f"A key has 1 to {most} requests per hour")
        return asked

    def _thumbprint(self, asked: str | None) -> str | None:
        if asked is None:
            if self.settings.bound_only:
                raise KeyRequestError("thumbprint", "Name the public key that the key is bound to")
            return None
        if not is_thumbprint(asked):
            raise KeyRequestError("thumbprint", "Give the key's SHA-256 thumbprint, 43 characters")
        if not self.binds:
            raise KeyRequestError("thumbprint", "Proofs of possession are switched off here")
        return asked

    async def _insist(self, actor: Actor, made: APIKey) -> None:
        if actor.trusted or await self._is_alive(actor.principal):
            return
        now = self._clock()
        async with one_step():
            if await self._store.revoke(made.id, now=now):
                await self._record(EventType.API_KEY_REVOKED, actor, made)
        raise AuthenticationError(reason="ended while it made a key")

    async def _is_alive(self, maker: Principal) -> bool:
        if maker.kind == "api_key":
            key = await self._store.get(maker.subject)
            return key is not None and not key.revoked
        if self._lives is None or maker.session_id is None:
            return True
        return await self._lives(maker.session_id)

    async def _admit(self, actor: Actor) -> None:
        if self._pace is not None and not actor.trusted:
            await self._pace(actor)

    async def _end(self, ids: Sequence[str], now: float) -> None:
        """Pierce caches: those of this process now, the others' when they hear of it."""
        await self._revocations.revoke(
            *(Revocation(kind="token", key=each, at=now, until=now + PIERCES) for each in ids)
        )

    async def _record(
        self, kind: EventType, actor: Actor, key: APIKey, *, successor: str | None = None
    ) -> None:
        details: dict[str, object] = {
            "name": key.name,
            "owner": key.owner_id,
            "scopes": list(key.scopes),
            "bound": key.thumbprint is not None,
        }
        if key.tenant is not None:
            details["tenant"] = key.tenant
        if successor is not None:
            details["successor"] = successor
        event = actor.event(kind, at=self._clock(), target=key.id, details=details)
        await self._events.record(event)


def _make(record: APIKey) -> IssuedKey:
    key, key_hash = APIKey.generate_key()
    record = replace(record, key_hash=key_hash, prefix=lookup_of(key))
    return IssuedKey(record=record, secret=Secret(key))


def _name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise KeyRequestError("name", f"Give the key a name of 1 to {MAX_NAME} characters")
    return name
