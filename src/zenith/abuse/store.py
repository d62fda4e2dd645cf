"""What counting failed attempts needs from a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias, TypeVar

from zenith.kernel.records import dataclass

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one place, account, address or proof. Times are Unix times in seconds."""

    failures: int = 0
    """Attempts that failed or have not yet succeeded."""
    blocked_until: float = 0.0
    """No attempt before."""
    waiting_until: float = 0.0
    """From then on an attempt needs no proof of work; zero if nobody waits."""
    expires_at: float = 0.0
    """From then on it is as if it had never been."""


Standings: TypeAlias = Mapping[str, Standing]
Changes: TypeAlias = Mapping[str, Standing | None]
"""What is to be stored; None removes."""


class AttemptStore(Protocol):
    """Standings that survive a restart and are shared by all processes."""

    async def settle(
        self, keys: Sequence[str], step: Callable[[Standings], tuple[T, Changes]]
    ) -> T:
        """One atomic step: hand the standings of `keys` to `step`, store the changes that it
        returns, and return its result.

        `step` is pure; it may change `keys` only, and those that are not stored are absent. Of
        steps that share a key, each sees what the ones before it stored.
        """
        ...

    async def prune(self, *, now: float) -> int:
        """Remove what has expired; how many there were."""
        ...
