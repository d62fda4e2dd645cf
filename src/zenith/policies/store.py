"""What is kept of policies: their versions, which of them is in force, and decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from zenith.kernel.records import dataclass
from zenith.policies.files import Format


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """One text of a policy. It never changes: a change is the next number."""

    policy: str
    number: int
    """Counts from 1 for each policy."""
    source: str
    """The document as it was written, with its comments."""
    format: Format
    digest: str
    """SHA-256 of the source, in hexadecimal: what was reviewed is what is loaded."""
    created_at: float
    """Unix time in seconds."""
    created_by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """A version came into force. The one with the greatest revision of its policy holds."""

    policy: str
    revision: int
    """Counts from 1 for each policy: of two that make the same one, one is told."""
    number: int
    """Of the version."""
    activated_at: float
    """Unix time in seconds."""
    activated_by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDecision:
    """What was asked of a policy once, and what it answered."""

    policy: str
    number: int
    """Of the version that answered."""
    at: float
    """Unix time in seconds."""
    action: str
    allowed: bool
    facts: Mapping[str, Any]
    """`resource.owner_id` and the like: what the policy looked at, as JSON carries it. A name
    with None was absent; a name that is not there was not looked at."""


class PolicyStore(Protocol):
    """Where versions and activations are kept. Nothing in it is ever changed or deleted."""

    async def add(self, version: PolicyVersion) -> bool:
        """Keep a version unless its number is taken, in one atomic step."""
        ...

    async def version(self, policy: str, number: int) -> PolicyVersion | None:
        """One version."""
        ...

    async def versions(
        self, policy: str, *, limit: int, before: int | None = None
    ) -> Sequence[PolicyVersion]:
        """The newest versions, those with numbers below `before`."""
        ...

    async def activate(self, activation: Activation) -> bool:
        """Put a version in force, in one atomic step: False where its revision is taken, where
        the one before it is not there, or where there is no such version.
        """
        ...

    async def active(self, policy: str) -> Activation | None:
        """The activation that holds; None where the policy never had one."""
        ...

    async def activations(self, policy: str, *, limit: int) -> Sequence[Activation]:
        """The newest activations."""
        ...


class DecisionStore(Protocol):
    """Where decisions are recorded, a bounded number for each policy."""

    async def add(self, decisions: Sequence[RecordedDecision], *, keep: int) -> None:
        """Keep `decisions`, and the newest `keep` of each policy in them."""
        ...

    async def recent(self, policy: str, *, limit: int) -> Sequence[RecordedDecision]:
        """The newest decisions of a policy, the newest first."""
        ...

    async def forget(self, policy: str) -> int:
        """Delete a policy's decisions; how many there were."""
        ...
