"""The self-hosted challenge: a proof of work, in the protocol of ALTCHA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from zenith.abuse.challenges.provider import ChallengeOutcome, Widget
from zenith.abuse.errors import ProofRequiredError
from zenith.abuse.proof_of_work import Challenge, ProofOfWork
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import SecurityError
from zenith.kernel.keys import Secret, derive, sign
from zenith.kernel.network import client_key

FIELD: Final = "altcha"


class ProofProvider:
    """Asks for work instead of attention: nobody is shown to a third party, and nobody fails for
    not seeing, hearing or pointing. See `ProofOfWork`; a solution is for one action of one address.
    """

    def __init__(
        self,
        secrets: Sequence[Secret],
        *,
        numbers: int = 100_000,
        lifetime: float = 300.0,
        clock: Clock = wall_clock,
    ) -> None:
        self._proofs: Final = ProofOfWork(secrets)
        self._key: Final = derive(secrets[0], "abuse/challenges")
        self._numbers: Final = numbers
        self._lifetime: Final = lifetime
        self._clock: Final = clock

    @property
    def token_field(self) -> str:
        """ALTCHA's own."""
        return FIELD

    @property
    def can_wait(self) -> bool:
        """Yes: waiting costs a program more than the work."""
        return True

    @property
    def sources(self) -> Mapping[str, Sequence[str]]:
        """None: the page's own script does the work."""
        return {}

    async def verify(self, token: str, *, action: str, client: str) -> ChallengeOutcome:
        """Whether the work was done; never waits."""
        subject = self._subject(action, client)
        proof = self._proofs.check(token, subject, now=self._clock()) if token else None
        if proof is None:
            return ChallengeOutcome(passed=False, reason="no proof of work, or none that holds")
        return ChallengeOutcome(passed=True, key=proof.key, expires_at=proof.expires_at)

    def widget(self, *, action: str, client: str) -> Widget:
        """A challenge that the page's own script solves."""
        return Widget(
            provider="proof_of_work",
            token_field=FIELD,
            action=action,
            challenge=self._issue(action, client).as_json(),
        )

    def demand(self, *, action: str, client: str, retry_after: float) -> SecurityError:
        """The same refusal that follows failed sign-ins."""
        challenge = self._issue(action, client)
        return ProofRequiredError(challenge, retry_after=retry_after, reason=f"challenge: {action}")

    def _issue(self, action: str, client: str) -> Challenge:
        return self._proofs.issue(
            self._subject(action, client),
            now=self._clock(),
            lifetime=self._lifetime,
            numbers=self._numbers,
        )

    def _subject(self, action: str, client: str) -> str:
        return sign(self._key, f"{action}\n{client_key(client)}")
