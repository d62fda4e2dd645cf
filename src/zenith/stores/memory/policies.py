"""Versions of policies and recorded decisions, in process memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from zenith.policies.store import Activation, PolicyVersion, RecordedDecision


class MemoryPolicyStore:
    """Versions that end with the process."""

    def __init__(self) -> None:
        self._versions: dict[str, list[PolicyVersion]] = {}
        self._activations: dict[str, list[Activation]] = {}

    async def add(self, version: PolicyVersion) -> bool:
        """Keep a version unless its number is taken."""
        kept = self._versions.setdefault(version.policy, [])
        if version.number in {each.number for each in kept}:
            return False
        kept.append(version)
        return True

    async def version(self, policy: str, number: int) -> PolicyVersion | None:
        """One version."""
        kept = self._versions.get(policy, ())
        return next((each for each in kept if each.number == number), None)

    async def versions(
        self, policy: str, *, limit: int, before: int | None = None
    ) -> Sequence[PolicyVersion]:
        """The newest versions, those with numbers below `before`."""
        kept = sorted(self._versions.get(policy, ()), key=lambda each: -each.number)
        return [each for each in kept if before is None or each.number < before][:limit]

    async def activate(self, activation: Activation) -> bool:
        """Put a version in force, unless its revision is not the next one."""
        kept = self._activations.setdefault(activation.policy, [])
        known = await self.version(activation.policy, activation.number)
        if known is None or activation.revision != len(kept) + 1:
            return False
        kept.append(activation)
        return True

    async def active(self, policy: str) -> Activation | None:
        """The activation that holds."""
        kept = self._activations.get(policy)
        return kept[-1] if kept else None

    async def activations(self, policy: str, *, limit: int) -> Sequence[Activation]:
        """The newest activations."""
        return self._activations.get(policy, [])[::-1][:limit]


class MemoryDecisionStore:
    """Decisions that end with the process."""

    def __init__(self) -> None:
        self._decisions: dict[str, deque[RecordedDecision]] = {}

    async def add(self, decisions: Sequence[RecordedDecision], *, keep: int) -> None:
        """Keep `decisions`, and the newest `keep` of each policy in them."""
        for decision in decisions:
            kept = self._decisions.setdefault(decision.policy, deque())
            kept.append(decision)
            while len(kept) > keep:
                kept.popleft()

    async def recent(self, policy: str, *, limit: int) -> Sequence[RecordedDecision]:
        """The newest decisions of a policy, the newest first."""
        return list(self._decisions.get(policy, ()))[::-1][:limit]

    async def forget(self, policy: str) -> int:
        """Delete a policy's decisions; how many there were."""
        return len(self._decisions.pop(policy, ()))
