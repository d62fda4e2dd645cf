"""Signing keys that replace themselves: planned in the database, followed by every process.

The threat: a signing key that lives for years is a key that somebody has copied, and a rotation
that is done by hand is not done (ASVS 11.1.1, 13.3.4). The other threat is the rotation itself: two
processes that each make a key, tokens under a key that nobody knows yet, or tokens that outlive the
key they need.

So a key is one row with the next number, and inserting it is the whole decision. It is published
some time before it signs; the time of its predecessor ends one token lifetime after that, which
follows from the rows and is written nowhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Final, Literal

from zenith.kernel.background import end
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import ConfigurationError, SecurityError
from zenith.kernel.events import Event, EventSink, EventType, Silence
from zenith.kernel.keys import Secret
from zenith.kernel.one_step import one_step
from zenith.tokens.keyring import KeyRing
from zenith.tokens.keys import Key, generate_key
from zenith.tokens.sealing import KeySealer
from zenith.tokens.settings import TokenSettings
from zenith.tokens.store import KeyStore, StoredKey

PUBLISH_AHEAD: Final = 3600.0
"""Seconds for which a planned key is published before it signs: longer than others keep the set."""
POLL: Final = 1.0
"""Seconds between two looks at the database."""
_log: Final = logging.getLogger("zenith")


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyState:
    """A signing key as operators see it. Times are Unix seconds."""

    kid: str
    algorithm: str
    state: Literal["planned", "signs", "verifies", "retired"]
    created_at: float
    signs_at: float
    verifies_until: float | None
    """None while no successor is planned."""


class KeyRotation:
    """Keeps `keyring` as the database says, and plans the next key when it is due.

    `keyring` begins as `KeyRing.pending()`; nothing is signed before `start`. `secrets` are the
    application's, the present one first; they encrypt the keys at rest. `events` hears of each key
    that is made or retired (ASVS 16.3.3).
    """

    def __init__(
        self,
        store: KeyStore,
        secrets: Sequence[Secret],
        keyring: KeyRing,
        *,
        settings: TokenSettings,
        events: EventSink | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self._events: Final = events or Silence()
        self._store: Final = store
        self._sealer: Final = KeySealer(secrets)
        self._keyring: Final = keyring
        self._settings: Final = settings
        self._clock: Final = clock
        self._opened: dict[str, Key] = {}
        self._seen: tuple[StoredKey, ...] = ()
        self._following: asyncio.Task[None] | None = None

    @property
    def overlap(self) -> float:
        """Seconds for which a key verifies after it stopped to sign: the last token's life."""
        return self._settings.refresh_lifetime + self._settings.leeway

    async def start(self) -> None:
        """Adopt the keys, make the first one if there is none, and begin to follow."""
        stored = await self._store.load()
        effective = _effective(stored)
        if effective and effective[-1].algorithm != self._settings.algorithm:
            # At the start only: two releases side by side would outdo each other for ever.
            await self._plan(stored, self._clock() + PUBLISH_AHEAD)
        await self.follow()
        self._following = asyncio.create_task(self._follow_on(), name="zenith-token-keys")

    async def stop(self) -> None:
        """Stop following."""
        if self._following is not None:
            await end(self._following)
            self._following = None

    async def follow(self) -> None:
        """One look: plan the next key if it is due, and adopt what the database holds.

        Raises ConfigurationError for keys that cannot be decrypted; the ring stays as it was then.
        """
        stored = await self._store.load()
        signs_at = self._due(stored)
        if signs_at is not None:
            await self._plan(stored, signs_at)
            stored = await self._store.load()
        self._adopt(stored)

    async def rotate(self, *, at: float | None = None) -> str:
        """Plan a key by hand that signs from `at` (Unix seconds; at once if None); its id.

        Of two that rotate at the same time one plans the key, and both get its id. To put an old
        key out of use at once, `retire` it afterwards.
        """
        stored = await self._store.load()
        now = self._clock()
        await self._plan(stored, now if at is None else max(now, at))
        stored = await self._store.load()
        self._adopt(stored)
        return stored[-1].kid

    async def states(self) -> Sequence[KeyState]:
        """The keys that are kept, the oldest first, and what each does now."""
        stored, now = await self._store.load(), self._clock()
        signing = _signing(stored, now)
        return [
            KeyState(
                kid=key.kid,
                algorithm=key.algorithm,
                state="retired" if end <= now else _does(key.generation, signing),
                created_at=key.created_at,
                signs_at=key.signs_at,
                verifies_until=None if end == inf else end,
            )
            for key, end in _ends(stored, self.overlap)
        ]

    async def retire(self, kid: str) -> bool:
        """Refuse the tokens of a key from now on, as after a theft; whether it was in use.

        One that is planned never signs then, and its predecessor goes on as if it had not been.
        Raises ConfigurationError for the key that signs: rotate first.
        """
        stored, now = await self._store.load(), self._clock()
        signing = _signing(stored, now)
        if any(key.kid == kid and key.generation == signing for key in stored):
            raise ConfigurationError(
                f"the key `{kid}` signs now", fix="rotate first, then retire it"
            )
        async with one_step():
            retired = await self._store.retire(kid, at=now)
            if retired:
                await self._record(EventType.SIGNING_KEY_RETIRED, kid)
        await self.follow()
        return retired

    async def prune(self) -> int:
        """Delete the keys whose last token has expired; how many it were."""
        stored = await self._store.load()
        now = self._clock()
        live = [key.generation for key, end in _ends(stored, self.overlap) if end > now]
        return await self._store.prune(before=min(live)) if live else 0

    def _due(self, stored: Sequence[StoredKey]) -> float | None:
        """When the next key is to sign, if it is time to make it."""
        now, every = self._clock(), self._settings.rotate_every
        effective = _effective(stored)
        if not effective or all(end <= now for _, end in _ends(effective, self.overlap)):
            return now
        if every is None:
            return None
        ahead = min(PUBLISH_AHEAD, every / 4)
        at = effective[-1].signs_at + every
        # Late, as after a long stand-still, the key is still published before it signs.
        return max(at, now + ahead) if now >= at - ahead else None

    async def _plan(self, stored: Sequence[StoredKey], signs_at: float) -> None:
        # An RSA key takes a good part of a second, in which other requests go on.
        key = await asyncio.to_thread(generate_key, self._settings.algorithm)
        generation = stored[-1].generation + 1 if stored else 1
        # Never before its predecessor, so that the order of the keys is that of their time.
        signs_at = max([signs_at, *(each.signs_at for each in _effective(stored)[-1:])])
        planned = StoredKey(
            generation=generation,
            kid=key.kid,
            algorithm=key.algorithm,
            sealed=self._sealer.seal(key, generation=generation),
            created_at=self._clock(),
            signs_at=signs_at,
        )
        async with one_step():
            added = await self._store.add(planned)
            if added:
                await self._record(EventType.SIGNING_KEY_PLANNED, key.kid)
        if added:
            _log.info("token key %s (%s) is planned", key.kid, key.algorithm)

    async def _record(self, kind: EventType, kid: str) -> None:
        await self._events.record(
            Event(type=kind, outcome="success", at=self._clock(), target=kid, severity="WARNING")
        )

    def _adopt(self, stored: Sequence[StoredKey]) -> None:
        now = self._clock()
        live = tuple(key for key, end in _ends(stored, self.overlap) if end > now)
        if live == self._seen:
            return
        opened = {key.kid: self._opened.get(key.kid) or self._open(key) for key in live}
        ends = {key.kid: end for key, end in _ends(stored, self.overlap)}
        self._keyring.adopt(
            [opened[key.kid].within(-inf, ends[key.kid]) for key in live],
            [(key.signs_at, key.kid) for key in live],
        )
        self._opened, self._seen = opened, live

    def _open(self, key: StoredKey) -> Key:
        return self._sealer.open(
            key.sealed, kid=key.kid, algorithm=key.algorithm, generation=key.generation
        )

    async def _follow_on(self) -> None:
        while True:
            await asyncio.sleep(POLL)
            try:
                await self.follow()
            except SecurityError as error:
                _log.warning("token keys stay as they are for now: %s", error.reason)
            except ConfigurationError as error:
                _log.error("token keys stay as they are: %s", error.problem)


def _does(generation: int, signing: int) -> Literal["planned", "signs", "verifies"]:
    if generation == signing:
        return "signs"
    return "planned" if generation > signing else "verifies"


def _effective(stored: Sequence[StoredKey]) -> list[StoredKey]:
    """Without those that were taken out of use before they signed: nobody follows or precedes them,
    for the key that they were to replace would end, and none would sign.
    """
    return [key for key in stored if key.retired_at is None or key.retired_at > key.signs_at]


def _signing(stored: Sequence[StoredKey], now: float) -> int:
    """The generation of the key that signs; 0 for none."""
    return max((key.generation for key in _effective(stored) if key.signs_at <= now), default=0)


def _ends(stored: Sequence[StoredKey], overlap: float) -> list[tuple[StoredKey, float]]:
    """Each key with the time at which its last token has expired."""
    ends: list[tuple[StoredKey, float]] = []
    successor = inf
    for key in reversed(stored):
        retired = inf if key.retired_at is None else key.retired_at
        ends.append((key, min(successor + overlap, retired)))
        if retired > key.signs_at:
            successor = key.signs_at
    return ends[::-1]
