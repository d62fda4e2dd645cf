"""The version in force, in this process: at most one second behind the store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Self

from zenith.authorization.decision import Decision
from zenith.kernel.background import end
from zenith.kernel.clock import Clock, steady_clock
from zenith.kernel.errors import ServiceUnavailableError, ZenithError
from zenith.kernel.principal import Principal
from zenith.kernel.records import dataclass
from zenith.policies.explanation import Explanation
from zenith.policies.policy import Policy
from zenith.policies.recording import DecisionRecorder
from zenith.policies.store import Activation, PolicyStore
from zenith.policies.versions import compiled

MAX_AGE: Final = 1.0
"""Seconds for which the answer of the store is believed where a decision can wait for it."""
MAX_SILENCE: Final = 5.0
"""Seconds after which nothing is decided without the store, where a caller cannot wait."""
INTERVAL: Final = 0.5
"""Seconds between two questions to the store beside the requests."""

_log: Final = logging.getLogger("zenith")


@dataclass(frozen=True, slots=True, kw_only=True)
class Active:
    """What decides now."""

    policy: Policy
    activation: Activation


class LivePolicy:
    """A policy by its name, whatever version of it is in force; used like a `Policy`.

    Threat: a process that decides by rules which were taken back (ASVS 8.3.1). `authorize` asks the
    store once a second at most and refuses with ServiceUnavailableError where it has no answer, or
    where the version in force is damaged. What cannot wait (`evaluate`, `explain`, `where`, `mask`)
    uses what was asked for last, and refuses when that is 5 seconds old: declarations of routes ask
    before (`refresh`), other code does so itself, or has `start()` ask beside everything else.
    An older revision than the one that is known is not gone back to: a database's copy may lag.
    """

    def __init__(
        self,
        name: str,
        store: PolicyStore,
        *,
        recorder: DecisionRecorder | None = None,
        steady: Clock = steady_clock,
        interval: float = INTERVAL,
    ) -> None:
        self._name: Final = name
        self._store: Final = store
        self._recorder: Final = recorder
        self._steady: Final = steady
        self._interval: Final = interval
        self._active: Active | None = None
        self._refreshed = float("-inf")
        self._lock: Final = asyncio.Lock()
        self._beside: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """Of the policy."""
        return self._name

    @property
    def active(self) -> Active:
        """The version in force. Raises ServiceUnavailableError where it is not known."""
        if self._active is None or self._steady() - self._refreshed > MAX_SILENCE:
            raise ServiceUnavailableError(reason=f"the version of policy {self._name} in force")
        return self._active

    async def start(self) -> None:
        """Load what is in force and keep it fresh beside the requests."""
        await self.refresh()
        if self._beside is None:
            self._beside = asyncio.create_task(self._keep_fresh())

    async def stop(self) -> None:
        """Stop asking; decisions that wait to be recorded are written."""
        if self._beside is not None:
            await end(self._beside)
            self._beside = None
        if self._recorder is not None:
            await self._recorder.flush()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def refresh(self, *, max_age: float = MAX_AGE) -> None:
        """Ask the store what is in force if the last answer is older than `max_age` seconds."""
        if self._steady() - self._refreshed < max_age:
            return
        async with self._lock:
            asked = self._steady()
            if asked - self._refreshed < max_age:
                return
            found = await self._store.active(self._name)
            known = 0 if self._active is None else self._active.activation.revision
            if found is None and not known:
                raise ServiceUnavailableError(
                    reason=f"policy {self._name}: no version of it is in force"
                )
            if found is not None and found.revision > known:
                self._active = await self._load(found)
            self._refreshed = asked
        if self._beside is None and self._recorder is not None:
            # The decisions stand; whoever rehearses a change misses those that were not written.
            with suppress(ServiceUnavailableError):
                await self._recorder.flush()

    async def authorize(
        self, principal: Principal, action: str, resource: Any, context: Mapping[str, Any]
    ) -> Decision:
        """The decision of the version in force."""
        await self.refresh()
        active = self.active
        decision = await active.policy.authorize(principal, action, resource, context)
        self._record(active, decision.allowed, (principal, resource, context, action))
        return decision

    def evaluate(
        self,
        subject: object,
        resource: object,
        action: str,
        context: Mapping[str, Any] | None = None,
    ) -> bool:
        """Whether `subject` may do `action` on `resource`."""
        active = self.active
        allowed = active.policy.evaluate(subject, resource, action, context)
        self._record(active, allowed, (subject, resource, context, action))
        return allowed

    def explain(
        self,
        subject: object,
        resource: object,
        action: str,
        context: Mapping[str, Any] | None = None,
    ) -> Explanation:
        """The same decision with its why."""
        return self.active.policy.explain(subject, resource, action, context)

    def where(
        self, subject: object, action: str, model: Any, context: Mapping[str, Any] | None = None
    ) -> Any:
        """The rows of `model` on which `subject` may do `action`."""
        return self.active.policy.where(subject, action, model, context)

    def mask(
        self,
        subject: object,
        objects: Sequence[Any],
        action: str = "read",
        context: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """The fields of each object that `subject` may see."""
        return self.active.policy.mask(subject, objects, action, context)

    def _record(
        self, active: Active, allowed: bool, facts: tuple[object, object, object, str]
    ) -> None:
        if self._recorder is not None:
            number = active.activation.number
            self._recorder.note(active.policy, number, allowed=allowed, facts=facts)

    async def _load(self, activation: Activation) -> Active:
        version = await self._store.version(self._name, activation.number)
        try:
            if version is None:
                raise ServiceUnavailableError(reason=f"version {activation.number} is gone")
            # Thousands of rules take a while; others are answered in the meantime.
            policy = await asyncio.to_thread(compiled, version)
        except ZenithError as error:
            _log.critical(
                "policy %s, version %d, is in force and cannot be used: everything is refused",
                self._name,
                activation.number,
            )
            reason = getattr(error, "reason", "") or str(error)
            raise ServiceUnavailableError(reason=f"policy {self._name}: {reason}") from error
        return Active(policy=policy, activation=activation)

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            # Whoever asks next is told; a server that comes back is used again.
            with suppress(ServiceUnavailableError):
                await self.refresh(max_age=0.0)
                if self._recorder is not None:
                    await self._recorder.flush()
