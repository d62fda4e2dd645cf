"""What authentication needs from a store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeAlias

from zenith.kernel.records import dataclass

RevocationKind: TypeAlias = Literal["token", "session", "subject", "roles"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Something that must no longer be accepted, although it has not expired."""

    kind: RevocationKind
    key: str
    """The token's jti, the session's id, or the subject's id; for roles nothing that matters: some
    definition has changed, which is told and never stored."""
    at: float
    """Unix time; for a subject, whatever was issued before it is refused."""
    until: float
    """Unix time after which nothing that it concerns can still be valid."""


class RevocationStore(Protocol):
    """Revocations that last across restarts and are seen by every process."""

    async def add(self, revocations: Sequence[Revocation]) -> None:
        """Store all of them in one step, before returning."""
        ...

    async def since(self, moment: float) -> Sequence[Revocation]:
        """Those whose `at` is not before `moment` (Unix time) and that still matter."""
        ...

    async def prune(self, now: float) -> int:
        """Forget those whose `until` has passed; how many there were."""
        ...


class RevocationChannel(Protocol):
    """Tells other processes at once; losing a message costs a second, never the revocation."""

    async def publish(self, revocations: Sequence[Revocation]) -> None:
        """Send to all processes that listen; failures are logged, not raised."""
        ...

    async def listen(self, receive: Callable[[Sequence[Revocation]], None]) -> None:
        """Call `receive` for each message, reconnecting by itself, until cancelled."""
        ...
