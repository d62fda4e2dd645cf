"""What sessions need from a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Literal, Protocol, TypeAlias

from zenith.kernel.principal import NO_FACTORS
from zenith.kernel.records import dataclass

SessionKind: TypeAlias = Literal["browser", "tokens"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """One sign-in. Times are Unix times in seconds."""

    id: str
    """Public: shown to the owner, named in tokens as `sid`. Knowing it proves nothing."""
    account_id: str
    kind: SessionKind
    digest: str | None
    """SHA-256 of the cookie's secret (ASVS 7.2.3); None where the sign-in lives in tokens."""
    created_at: float
    last_seen_at: float
    idle_expires_at: float
    """Moves forward with use; never past `expires_at`."""
    expires_at: float
    """Absolute end (ASVS 7.3.2)."""
    address: str = ""
    user_agent: str = ""
    name: str = ""
    """What the owner calls it; empty until it is named."""
    remembered: bool = False
    """Whether the owner chose a longer lifetime for this device."""
    factors: Mapping[str, float] = field(default_factory=lambda: NO_FACTORS)


class SessionStore(Protocol):
    """Sign-ins that last across restarts and are seen by every process. A session is live at
    `now` if neither `idle_expires_at` nor `expires_at` has been reached.
    """

    async def create(self, record: SessionRecord, *, at_most: int | None = None) -> Sequence[str]:
        """Store a new session and, in the same step, remove what the account has beyond `at_most`
        live ones: those used least recently, of the new one's kind before all others. Their ids.
        """
        ...

    async def find(self, digest: str, *, now: float) -> SessionRecord | None:
        """The live session whose cookie has this digest."""
        ...

    async def get(self, session_id: str, *, now: float) -> SessionRecord | None:
        """The live session with this id."""
        ...

    async def touch(self, session_id: str, *, now: float, idle_expires_at: float) -> bool:
        """Note use: move `last_seen_at` and `idle_expires_at` forward, never back, never past
        `expires_at`; False if the session is not live any more.
        """
        ...

    async def rotate(
        self, old_digest: str, new_digest: str, *, now: float, factors: Mapping[str, float]
    ) -> SessionRecord | None:
        """Give a live session a new cookie and factors in one step; None if it is not live or
        another request was first. The old digest is dead afterwards (ASVS 7.2.4).
        """
        ...

    async def prove(
        self, session_id: str, *, account_id: str, factors: Mapping[str, float], now: float
    ) -> SessionRecord | None:
        """Add factors to those of the account's live session that has no cookie, in one step; None
        if there is none.
        """
        ...

    async def rename(self, session_id: str, *, account_id: str, name: str, now: float) -> bool:
        """Name the account's live session; False if there is none."""
        ...

    async def end(self, session_id: str, *, account_id: str) -> bool:
        """Remove the session if it belongs to the account; False if there was none."""
        ...

    async def end_all(self, account_id: str, *, except_id: str | None = None) -> Sequence[str]:
        """Remove every session of the account but one, in one step; the ids removed."""
        ...

    async def of_account(self, account_id: str, *, now: float) -> Sequence[SessionRecord]:
        """Live sessions, newest use first."""
        ...

    async def prune(self, *, now: float) -> int:
        """Remove what is not live any more; how many there were."""
        ...
