"""The tiers of guessing: a wait that grows, then work, then a lock for unknown devices."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal, TypeAlias

from zenith.abuse.proof_of_work import Proof
from zenith.abuse.settings import AbuseSettings
from zenith.abuse.store import Changes, Standing, Standings
from zenith.kernel.records import dataclass

Tier: TypeAlias = Literal["open", "delay", "proof", "lock"]
STEP: Final = 20
"""So many failures double the work of a proof."""
DOUBLINGS: Final = 3
MAX_EXPONENT: Final = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """Somebody wants to try a password now. The names are keys of the store."""

    now: float
    account: str
    place: str
    """The account from this address, or from this known device."""
    address: str
    is_known: bool
    """The account signed in on this device before."""
    proof: Proof | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """What the attempt touches."""
        if self.is_known:
            return (self.place,)
        proof = () if self.proof is None else (self.proof.key,)
        return (self.account, self.place, self.address, *proof)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Whether the attempt may go on, and if not why and until when."""

    tier: Tier
    """`open`: go on."""
    retry_after: float = 0.0
    """Seconds."""
    numbers: int = 0
    """How hard the proof is that would do."""
    is_counted: bool = False
    """Whether the account's standing counts this attempt."""
    began_lock: bool = False
    """This attempt, unless it succeeds, is the one that locks unknown devices out."""


class Tiers:
    """Judges attempts. Pure: standings in, verdict and changes out.

    Threat: guessing at one account from one address or from thousands, at many accounts from one
    address, and failing on purpose to lock somebody out (ASVS 6.3.1; SP 800-63B-4 section 3.2.2).
    An attempt counts as failed from the moment it is let through, so that no number of concurrent
    ones gets past a tier; `succeeded` and `undone` take it back.
    """

    def __init__(self, settings: AbuseSettings) -> None:
        self._settings: Final = settings

    def judge(self, attempt: Attempt, standings: Standings) -> tuple[Verdict, Changes]:
        """Whether `attempt` may go on now."""
        now = attempt.now
        place = _present(standings, attempt.place, now)
        if place.blocked_until > now:
            return Verdict(tier="delay", retry_after=place.blocked_until - now), {}
        if attempt.is_known:
            return Verdict(tier="open"), {attempt.place: self._delayed(place, now)}
        account = _present(standings, attempt.account, now)
        address = _present(standings, attempt.address, now)
        if account.blocked_until > now:
            return Verdict(tier="lock", retry_after=account.blocked_until - now), {}
        if not self._needs_proof(account, address):
            return self._open(attempt, place, account, address)
        proof = attempt.proof
        if proof is not None and _present(standings, proof.key, now) == Standing():
            verdict, changes = self._open(attempt, place, account, address)
            return verdict, {**changes, proof.key: Standing(1, expires_at=proof.expires_at)}
        if 0.0 < place.waiting_until <= now:
            return self._open(attempt, place, account, address)
        return self._asked(attempt, place, account)

    def succeeded(
        self, attempt: Attempt, verdict: Verdict, standings: Standings
    ) -> tuple[None, Changes]:
        """The password was right: the place begins anew, and this attempt was no failure.

        The failures of others at the account stay: otherwise each sign-in of the owner would give
        whoever guesses a fresh start.
        """
        changes = self.undone(attempt, verdict, standings)[1]
        return None, {**changes, attempt.place: None}

    def undone(
        self, attempt: Attempt, verdict: Verdict, standings: Standings
    ) -> tuple[None, Changes]:
        """The password was never looked at: the attempt does not count."""
        changes: dict[str, Standing | None] = {}
        least = {attempt.place: 0}
        if not attempt.is_known:
            least[attempt.address] = 0
        if verdict.is_counted:
            least[attempt.account] = self._settings.lock_after
        for key, lock_after in least.items():
            standing = standings.get(key)
            if standing is None or standing.failures == 0:
                continue
            failures = standing.failures - 1
            still = failures >= lock_after > 0
            changes[key] = replace(
                standing, failures=failures, blocked_until=standing.blocked_until if still else 0.0
            )
        return None, changes

    def _open(
        self, attempt: Attempt, place: Standing, account: Standing, address: Standing
    ) -> tuple[Verdict, Changes]:
        settings, now = self._settings, attempt.now
        changes = {
            attempt.place: self._delayed(place, now),
            attempt.address: Standing(
                address.failures + 1, expires_at=now + settings.address_memory
            ),
        }
        is_counted = place.failures < settings.place_share
        if is_counted:
            changes[attempt.account] = self._weighed(account, now)
        return (
            Verdict(
                tier="open",
                is_counted=is_counted,
                began_lock=is_counted and account.failures + 1 == settings.lock_after,
            ),
            changes,
        )

    def _asked(
        self, attempt: Attempt, place: Standing, account: Standing
    ) -> tuple[Verdict, Changes]:
        """Ask for a proof; whoever cannot give one waits from the first time it was asked for."""
        now, settings = attempt.now, self._settings
        numbers = self._numbers(account)
        if place.waiting_until > now:
            wait = place.waiting_until - now
            return Verdict(tier="proof", retry_after=wait, numbers=numbers), {}
        until = now + settings.proof_wait
        waiting = replace(
            place,
            waiting_until=until,
            expires_at=max(place.expires_at, until + settings.memory),
        )
        verdict = Verdict(tier="proof", retry_after=settings.proof_wait, numbers=numbers)
        return verdict, {attempt.place: waiting}

    def _needs_proof(self, account: Standing, address: Standing) -> bool:
        return (
            account.failures >= self._settings.proof_after
            or address.failures >= self._settings.address_proof_after
        )

    def _numbers(self, account: Standing) -> int:
        over = max(0, account.failures - self._settings.proof_after)
        return self._settings.proof_numbers << min(DOUBLINGS, over // STEP)

    def _delayed(self, place: Standing, now: float) -> Standing:
        settings = self._settings
        failures = place.failures + 1
        delay = 0.0
        if failures >= settings.free_attempts:
            exponent = min(failures - settings.free_attempts, MAX_EXPONENT)
            delay = min(settings.first_delay * 2.0**exponent, settings.longest_delay)
        until = now + delay
        return Standing(failures, until if delay else 0.0, expires_at=until + settings.memory)

    def _weighed(self, account: Standing, now: float) -> Standing:
        settings = self._settings
        failures = account.failures + 1
        lock = 0.0
        if failures >= settings.lock_after:
            exponent = min(failures - settings.lock_after, MAX_EXPONENT)
            lock = min(settings.first_lock * 2.0**exponent, settings.longest_lock)
        until = now + lock
        return Standing(failures, until if lock else 0.0, expires_at=until + settings.memory)


def _present(standings: Standings, key: str, now: float) -> Standing:
    standing = standings.get(key)
    return standing if standing is not None and standing.expires_at > now else Standing()
