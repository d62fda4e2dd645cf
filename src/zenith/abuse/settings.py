"""Settings of what slows down guessing."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import Final, get_args

from zenith.abuse.bans.settings import BanSettings
from zenith.abuse.challenges.settings import ChallengeSettings
from zenith.abuse.disposable import DisposableMode
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass

MINUTE: Final = 60.0
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
MAX_FAILURES: Final = 100_000
NIST_FAILURES: Final = 100
"""Consecutive failures that SP 800-63B-4 section 3.2.2 allows at one account."""
MAX_NUMBERS: Final = 10_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class AbuseSettings:
    """The tiers that failed sign-ins climb. Checked at construction.

    A place is one account from one address, or from one device where it signed in before. Each
    place waits for itself; the account as a whole asks unknown devices for work, then locks them
    out. Devices that signed in before meet their own delays and nothing else (ASVS 6.1.1, 6.3.1).
    """

    free_attempts: int = 10
    """Failures in one place before the first delay."""

    first_delay: float = 2.0
    """Seconds that a place waits after its last free failure; each further failure doubles them."""

    longest_delay: float = DAY
    """Seconds after which the delay stops growing."""

    place_share: int = 20
    """Failures of one place that count for the account. Below `proof_after`, or one address alone
    could make an account hard to reach for every new device."""

    proof_after: int = 30
    """Failures of unknown devices at one account after which each further attempt of an unknown
    device needs a proof of work, or a wait."""

    address_proof_after: int = 50
    """Failures of one address at all accounts together after which its attempts need the same."""

    lock_after: int = 100
    """Failures of unknown devices at one account that lock unknown devices out."""

    first_lock: float = HOUR
    """Seconds of the first lock; each failure after it doubles them."""

    longest_lock: float = DAY
    """Seconds after which the lock stops growing."""

    memory: float = DAY
    """Seconds after the last failure, and the end of its delay, until all is forgotten."""

    address_memory: float = HOUR
    """The same for an address as a whole."""

    proof_numbers: int = 100_000
    """Among so many numbers the solver looks for one; it grows with the failures, eightfold at
    most. A browser tries some hundred thousand a second or fewer."""

    proof_lifetime: float = 5 * MINUTE
    """Seconds for which a challenge can be solved and used."""

    proof_wait: float = 10 * MINUTE
    """Seconds that take the place of a proof: for people without JavaScript, and slow machines."""

    bans: BanSettings = field(default_factory=BanSettings)
    """Who is kept out, and for how long."""

    challenges: ChallengeSettings = field(default_factory=ChallengeSettings)
    """Who asks whether a person is there, and when."""

    disposable_addresses: DisposableMode = "mark"
    """What happens to registrations with e-mail addresses of services that hand out mailboxes for
    minutes: `refuse` them, `mark` them in the audit log, or `allow` them."""

    disposable_file: Path | None = None
    """A file of further such domains, such as a list that is kept up to date."""

    disposable_allowed: tuple[str, ...] = ()
    """Domains that are not disposable, whatever a list says."""

    sign_up_seconds: float = 0.0
    """Seconds that a person needs at least for the sign-up page; who is faster is answered as if
    all were well, and no account is made. 0: only the field that people do not see counts, for
    password managers fill forms as fast as programs."""

    def __post_init__(self) -> None:
        counts = ("free_attempts", "place_share", "proof_after", "address_proof_after")
        for name in counts:
            self._check(name, 1, MAX_FAILURES)
        self._check("lock_after", 1, NIST_FAILURES)
        for name in ("first_delay", "first_lock"):
            self._check(name, 0.0, DAY)
        for name in ("longest_delay", "longest_lock", "memory", "address_memory", "proof_wait"):
            self._check(name, 1.0, 30 * DAY)
        self._check("proof_numbers", 1, MAX_NUMBERS)
        self._check("proof_lifetime", 10.0, HOUR)
        self._check("sign_up_seconds", 0.0, 60.0)
        if self.disposable_addresses not in get_args(DisposableMode):
            raise ConfigurationError(
                f"abuse.disposable_addresses is {self.disposable_addresses!r}",
                fix="choose " + ", ".join(get_args(DisposableMode)),
            )
        if not self.place_share < self.proof_after <= self.lock_after:
            raise ConfigurationError(
                f"abuse: place_share {self.place_share}, proof_after {self.proof_after} and "
                f"lock_after {self.lock_after} are out of order",
                fix="let each be larger than the one before",
            )

    def _check(self, name: str, least: float, most: float) -> None:
        value = getattr(self, name)
        if not least <= value <= most:
            raise ConfigurationError(
                f"abuse.{name} is {value:g}", fix=f"set it between {least:g} and {most:g}"
            )
