"""When a challenge is asked for, and that its token passes once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from zenith.abuse.challenges.provider import ChallengeOutcome, ChallengeProvider, Widget
from zenith.abuse.challenges.settings import ChallengeSettings
from zenith.abuse.proof_of_work import Proof
from zenith.abuse.store import AttemptStore, Changes, Standing, Standings
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import ServiceUnavailableError
from zenith.kernel.events import Event, EventSink, EventType, Silence
from zenith.kernel.keys import Secret, derive, sign
from zenith.kernel.network import client_key

RETRY: Final = 5.0
"""Seconds after which a provider that did not answer may be tried again."""


class Challenges:
    """Asks whether a person is there, for the application's routes and for Zenith's own.

    Threat: programs that register, ask for mails or fill forms by the thousand (ASVS 2.4.1). A
    token passes once: one atomic step in the store of attempts decides. Addresses are stored as
    MACs. While the provider does not answer, `when_down` decides; the default refuses.
    """

    def __init__(
        self,
        provider: ChallengeProvider,
        store: AttemptStore,
        secrets: Sequence[Secret],
        settings: ChallengeSettings | None = None,
        *,
        events: EventSink | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self.provider: Final = provider
        self._store: Final = store
        self._settings: Final = settings or ChallengeSettings()
        self._events: Final = events or Silence()
        self._clock: Final = clock
        self._key: Final = derive(secrets[0], "abuse/challenges/clients")

    @property
    def patience(self) -> float:
        """Seconds that take the place of a proof of work."""
        return self._settings.patience

    async def require(self, token: str, *, action: str, client: str) -> Proof | None:
        """Let `client`, an address, go on with `action` if `token` holds; what was spent.

        Raises ProofRequiredError or ChallengeRequiredError where a token is needed, and
        ServiceUnavailableError where the provider does not answer.
        """
        outcome = await self.provider.verify(token, action=action, client=client)
        if outcome.is_down:
            self._tell(outcome, action, client)
            if self._settings.when_down == "admit":
                return None
            raise ServiceUnavailableError(retry_after=RETRY, reason=f"challenge: {outcome.reason}")
        spent = Proof(f"spent:{outcome.key}", outcome.expires_at)
        if outcome.passed and await self._spend(spent):
            return spent
        if token:
            self._tell(outcome, action, client)
        retry_after = await self._patience(action, client)
        if retry_after is None:
            return None
        raise self.provider.demand(action=action, client=client, retry_after=retry_after)

    async def admit(self, token: str, *, action: str, client: str) -> Proof | None:
        """The same for an action of Zenith's own, where and when the settings ask."""
        if not await self.asks(action, client):
            return None
        return await self.require(token, action=action, client=client)

    async def asks(self, action: str, client: str) -> bool:
        """Whether `client` needs a token for an action of Zenith's own now."""
        when, now = self._settings.when(action), self._clock()
        if when != "after_failures":
            return when == "always"
        key = self._place("failures", action, client)

        def look(standings: Standings) -> tuple[bool, Changes]:
            found = standings.get(key, Standing())
            return found.expires_at > now and found.failures >= self._settings.after, {}

        return await self._store.settle((key,), look)

    async def failed(self, action: str, client: str) -> None:
        """Count a failure of `client`, where the settings ask after some."""
        if self._settings.when(action) != "after_failures":
            return
        key, now = self._place("failures", action, client), self._clock()

        def count(standings: Standings) -> tuple[None, Changes]:
            found = standings.get(key, Standing())
            before = found.failures if found.expires_at > now else 0
            return None, {key: Standing(before + 1, expires_at=now + self._settings.memory)}

        await self._store.settle((key,), count)

    async def offer(self, action: str, client: str) -> Widget | None:
        """What a page of Zenith's own shows; None where nothing is asked."""
        if not await self.asks(action, client):
            return None
        return self.provider.widget(action=action, client=client)

    async def _spend(self, proof: Proof) -> bool:
        now = self._clock()

        def spend(standings: Standings) -> tuple[bool, Changes]:
            known = standings.get(proof.key)
            if known is not None and known.expires_at > now:
                return False, {}
            return True, {proof.key: Standing(1, expires_at=proof.expires_at)}

        return await self._store.settle((proof.key,), spend)

    async def _patience(self, action: str, client: str) -> float | None:
        """Seconds that are still to be waited; None where somebody without JavaScript has waited.

        One waits at a time for each action of an address, from the first time it was asked.
        """
        if not self.provider.can_wait:
            return 0.0
        key, now = self._place("patience", action, client), self._clock()
        patience = self._settings.patience

        def wait(standings: Standings) -> tuple[float | None, Changes]:
            found = standings.get(key, Standing())
            if found.expires_at <= now:
                until = now + patience
                waiting = replace(Standing(), waiting_until=until, expires_at=until + patience)
                return patience, {key: waiting}
            if found.waiting_until > now:
                return found.waiting_until - now, {}
            return None, {key: None}

        return await self._store.settle((key,), wait)

    def _place(self, what: str, action: str, client: str) -> str:
        return f"challenge:{sign(self._key, f'{what} {action} {client_key(client)}')}"

    def _tell(self, outcome: ChallengeOutcome, action: str, client: str) -> None:
        self._events.note(
            Event(
                type=EventType.CHALLENGE_FAILED,
                outcome="error" if outcome.is_down else "denied",
                at=self._clock(),
                target=action,
                address=client,
                reason=outcome.reason or "token used before",
                severity="ERROR" if outcome.is_down else "WARNING",
                details={} if outcome.score is None else {"score": outcome.score},
            )
        )
