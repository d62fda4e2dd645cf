"""Attempts at the passwords of accounts, counted where it survives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from zenith.abuse.errors import ProofRequiredError
from zenith.abuse.proof_of_work import Proof, ProofOfWork
from zenith.abuse.settings import AbuseSettings
from zenith.abuse.store import AttemptStore, Changes, Standings
from zenith.abuse.tiers import Attempt, Tiers, Verdict
from zenith.kernel.clock import CLOCK_MARGIN, Clock, wall_clock
from zenith.kernel.errors import RateLimitError
from zenith.kernel.keys import Secret, derive, sign
from zenith.kernel.records import dataclass


@dataclass(frozen=True, slots=True)
class Admission:
    """An attempt that was let through, until it is known what came of it."""

    attempt: Attempt
    verdict: Verdict


class Attempts:
    """Lets attempts through, delays them, asks for work, or refuses.

    Threat: see `Tiers`. Names of accounts and addresses are stored as MACs under a key of this
    application, whether or not an account has that name, so nothing here tells which accounts
    exist (ASVS 6.3.8). After a change of the secret key all is forgotten.
    """

    def __init__(
        self,
        store: AttemptStore,
        secrets: Sequence[Secret],
        settings: AbuseSettings,
        *,
        clock: Clock = wall_clock,
    ) -> None:
        self._store: Final = store
        self._settings: Final = settings
        self._tiers: Final = Tiers(settings)
        self._key: Final = derive(secrets[0], "abuse/attempts")
        self._proofs: Final = ProofOfWork(secrets)
        self._clock: Final = clock

    async def admit(
        self,
        account: str,
        *,
        address: str,
        device: str | None,
        proof: str = "",
        proven: Proof | None = None,
    ) -> Admission:
        """Count an attempt at `account` in one atomic step.

        `device` names a device on which the account signed in before; `proven` is a challenge that
        was met already, in place of a `proof`. Raises ProofRequiredError
        where `proof` does not do, RateLimitError for a delay or a lock.
        """
        now = self._clock()
        subject = sign(self._key, f"account\n{account}")
        where = f"device\n{device}" if device is not None else f"address\n{address}"
        attempt = Attempt(
            now=now,
            account=f"account:{subject}",
            place="place:" + sign(self._key, f"place\n{account}\n{where}"),
            address="address:" + sign(self._key, f"address\n{address}"),
            is_known=device is not None,
            proof=self._proofs.check(proof, subject, now=now) if proof and not proven else proven,
        )
        verdict = await self._store.settle(attempt.keys, partial(self._tiers.judge, attempt))
        if verdict.tier == "open":
            return Admission(attempt, verdict)
        reason = f"attempts: {verdict.tier}"
        if verdict.tier == "proof":
            challenge = self._proofs.issue(
                subject,
                now=now,
                lifetime=self._settings.proof_lifetime,
                numbers=verdict.numbers,
            )
            raise ProofRequiredError(challenge, retry_after=verdict.retry_after, reason=reason)
        raise RateLimitError(retry_after=verdict.retry_after, reason=reason)

    async def succeeded(self, admission: Admission) -> None:
        """The password was right."""
        step = partial(self._tiers.succeeded, admission.attempt, admission.verdict)
        await self._store.settle(admission.attempt.keys, step)

    async def undo(self, admission: Admission) -> None:
        """The password was never looked at."""
        step = partial(self._tiers.undone, admission.attempt, admission.verdict)
        await self._store.settle(admission.attempt.keys, step)

    async def lift(self, account: str) -> bool:
        """Forget the failures at an account; whether unknown devices were locked out."""
        key, now = self._account_key(account), self._clock()

        def forget(standings: Standings) -> tuple[bool, Changes]:
            locked = key in standings and standings[key].blocked_until > now
            return locked, {key: None}

        return await self._store.settle((key,), forget)

    async def locked_out(self, accounts: Sequence[str]) -> Mapping[str, float]:
        """Of these, the accounts from which unknown devices are locked out, and the Unix time at
        which they may try again.
        """
        names, now = {self._account_key(account): account for account in accounts}, self._clock()

        def look(standings: Standings) -> tuple[dict[str, float], Changes]:
            return {
                names[key]: standing.blocked_until
                for key, standing in standings.items()
                if standing.blocked_until > now
            }, {}

        return await self._store.settle(tuple(names), look) if names else {}

    async def prune(self) -> int:
        """Remove what has expired, also for a clock that is behind; how many there were."""
        return await self._store.prune(now=self._clock() - CLOCK_MARGIN)

    def _account_key(self, account: str) -> str:
        return "account:" + sign(self._key, f"account\n{account}")
