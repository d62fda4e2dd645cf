"""Policies that change while the application runs: versions, what is in force, and its history."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import ConflictError, NotFoundError, ServiceUnavailableError
from zenith.kernel.events import Event, EventSink, EventType, Silence
from zenith.kernel.one_step import one_step
from zenith.policies.errors import PolicyError
from zenith.policies.files import Format, read_policies
from zenith.policies.policy import Policy
from zenith.policies.store import Activation, PolicyStore, PolicyVersion

ATTEMPTS: Final = 10
PAGE: Final = 50
MAX_REASON: Final = 1_000
"""Characters of a reason, and of the name of who gives it."""


class PolicyVersions:
    """Writes versions and puts them in force.

    Threat: a change of who may do what that nobody can trace, take back, or tell from tampering
    (ASVS 8.1.1, 16.3.2). A version is never changed: its text is kept with who wrote it, when, why
    and its SHA-256, which is checked each time that it is loaded. Putting one in force is one
    atomic step on top of a known state, so that of two at a time one is told, and is an event in
    `events`.
    """

    def __init__(
        self, store: PolicyStore, *, events: EventSink | None = None, clock: Clock = wall_clock
    ) -> None:
        self._store: Final = store
        self._events: Final = events or Silence()
        self._clock: Final = clock

    async def add(self, source: str, form: Format, *, by: str, reason: str) -> PolicyVersion:
        """Keep `source`, a document with one policy, as the next version of this policy. What is
        the newest version already is not kept twice. Raises PolicyError for what is no policy.
        """
        policy = read_version(source, form)
        for _ in range(ATTEMPTS):
            newest = await self._store.versions(policy.name, limit=1)
            if newest and newest[0].digest == digest_of(source):
                return newest[0]
            version = PolicyVersion(
                policy=policy.name,
                number=newest[0].number + 1 if newest else 1,
                source=source,
                format=form,
                digest=digest_of(source),
                created_at=self._clock(),
                created_by=_words(by, "who writes the version"),
                reason=_words(reason, "why it is written"),
            )
            if await self._store.add(version):
                return version
        raise ConflictError("others write versions of this policy at the same time")

    async def activate(
        self, policy: str, number: int, *, by: str, reason: str, expected: int | None = None
    ) -> Activation:
        """Put a version in force, a former one as well as a new one.

        `expected` is the revision that the caller saw in force, 0 for none; None takes the present
        one. Raises NotFoundError for a version that is not there, ConflictError where another one
        was put in force since, PolicyError where it cannot be understood any more.
        """
        version = await self.version(policy, number)
        compiled(version)
        active = await self._store.active(policy)
        before = 0 if active is None else active.revision
        activation = Activation(
            policy=policy,
            revision=(before if expected is None else expected) + 1,
            number=number,
            activated_at=self._clock(),
            activated_by=_words(by, "who puts the version in force"),
            reason=_words(reason, "why it is put in force"),
        )
        async with one_step():
            if before != activation.revision - 1 or not await self._store.activate(activation):
                raise ConflictError("another version was put in force in the meantime: look again")
            await self._events.record(_event_of(activation, before=active))
        return activation

    async def version(self, policy: str, number: int) -> PolicyVersion:
        """One version. Raises NotFoundError."""
        found = await self._store.version(policy, number)
        if found is None:
            raise NotFoundError(f"policy {policy} has no version {number}")
        return found

    async def versions(
        self, policy: str, *, before: int | None = None, limit: int = PAGE
    ) -> Sequence[PolicyVersion]:
        """The newest versions, those with numbers below `before`."""
        return await self._store.versions(policy, limit=limit, before=before)

    async def active(self, policy: str) -> Activation | None:
        """What is in force."""
        return await self._store.active(policy)

    async def history(self, policy: str, *, limit: int = PAGE) -> Sequence[Activation]:
        """What was in force, the newest first."""
        return await self._store.activations(policy, limit=limit)


def digest_of(source: str) -> str:
    """SHA-256 in hexadecimal."""
    return sha256(source.encode("utf-8", "surrogatepass")).hexdigest()


def read_version(source: str, form: Format) -> Policy:
    """The one policy in `source`. Raises PolicyError."""
    policies = read_policies(source, form)
    if len(policies) != 1:
        raise PolicyError(
            f"a version holds one policy, not {len(policies)}", fix="write a document for each"
        )
    return policies[0]


def compiled(version: PolicyVersion) -> Policy:
    """The policy of a version, if it still is what was kept.

    Raises ServiceUnavailableError for a text that does not fit its digest or its name.
    """
    label = f"policy {version.policy}, version {version.number}"
    if not compare_digest(digest_of(version.source), version.digest):
        raise ServiceUnavailableError(reason=f"{label}: the text is not the one that was kept")
    policy = read_version(version.source, version.format)
    if policy.name != version.policy:
        raise ServiceUnavailableError(reason=f"{label}: the text is that of {policy.name}")
    return policy


def _event_of(activation: Activation, *, before: Activation | None) -> Event:
    return Event(
        type=EventType.POLICY_ACTIVATED,
        outcome="success",
        at=activation.activated_at,
        subject=activation.activated_by,
        target=f"policy {activation.policy}",
        reason=activation.reason,
        severity="WARNING",
        details={
            "version": activation.number,
            "revision": activation.revision,
            "former_version": None if before is None else before.number,
        },
    )


def _words(text: str, what: str) -> str:
    kept = text.strip()
    if not kept or len(kept) > MAX_REASON or not kept.isprintable():
        raise PolicyError(
            f"say {what}", fix=f"give 1 to {MAX_REASON:,} printable characters on one line"
        )
    return kept
