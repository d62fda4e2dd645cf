"""Settings of password hashing and of the password policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.kernel.records import dataclass
from zenith.passwords.argon2id import PROFILES, Argon2Parameters
from zenith.passwords.bcrypt_hash import WEAK_ROUNDS, Bcrypt
from zenith.passwords.pepper import PepperRing
from zenith.passwords.pool import HashingPool

Algorithm: TypeAlias = Literal["argon2id", "bcrypt"]
Profile: TypeAlias = Literal["guide", "owasp", "low_memory", "testing"]
PolicyName: TypeAlias = Literal["nist", "guide"]

LEAST_LENGTH: Final = 8
"""Characters (ASVS 6.2.1)."""
LEAST_MAX_LENGTH: Final = 64
"""Characters (ASVS 6.2.9)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PasswordSettings:
    """How passwords are hashed and which are taken. Checked at construction."""

    algorithm: Algorithm = "argon2id"
    """What makes new hashes. Hashes of all known kinds are verified whatever is chosen, and made
    anew at the next sign-in."""

    profile: Profile = "guide"
    """Cost of Argon2id. `guide`: 3 passes, 64 MiB, 4 lanes. `owasp`, also called `low_memory`: 2
    passes, 19 MiB, 1 lane. `testing`: next to nothing; refused in production."""

    argon2: Argon2Parameters | None = None
    """Cost of Argon2id in numbers of your own; takes the place of `profile`."""

    bcrypt_rounds: int = 12
    """Cost of bcrypt as a power of two; each step doubles the time."""

    accept_truncated_bcrypt: bool = False
    """Verify passwords longer than 72 bytes against bcrypt hashes of programs that looked at the
    first 72 only. What is lost: whoever knows those 72 bytes signs in, until the rehash."""

    peppers: Mapping[str, Secret] = field(default_factory=dict[str, Secret])
    """Secrets mixed into passwords, by key id. Keep one until no hash needs it any more."""

    pepper_id: str | None = None
    """Which pepper new hashes use; None uses none."""

    max_bytes: int = 1_024
    """Passwords longer than so many bytes of UTF-8 are refused before any work is done."""

    policy: PolicyName = "nist"
    """`nist`: length and no common or guessable passwords. `guide`: 12 characters of four kinds."""

    min_length: int | None = None
    """Least characters, in place of the policy's own; 8 or more."""

    max_length: int = 128
    """Most characters; 64 or more (ASVS 6.2.9)."""

    context_words: tuple[str, ...] = ()
    """Names that no password may be built on: product, organisation, project (ASVS 6.1.2)."""

    breach_check: bool = False
    """Ask a service whether a new password was in a breach (ASVS 6.2.12). It learns five hex digits
    of the password's SHA-1, which thousands of passwords share; where it does not answer within two
    seconds the password is taken."""

    breach_url: str = "https://api.pwnedpasswords.com/range"
    """The service's address without the prefix: https, or http on this machine."""

    migrating_from: str | None = None
    """A hash that your former program made, of any password, with its usual cost. Each sign-in
    then takes the time of both programs, so that the time does not tell which accounts have not
    signed in since you moved."""

    workers: int | None = None
    """Threads that hash; None follows the usable cores and memory."""

    queue_size: int = 128
    """Hashing jobs that may wait; beyond them callers get 503 with Retry-After."""

    niceness: int = 10
    """How much the priority of hashing threads is lowered, 0 to 19 (Linux)."""

    def __post_init__(self) -> None:
        _check_choice("algorithm", self.algorithm, ("argon2id", "bcrypt"))
        _check_choice("profile", self.profile, tuple(PROFILES))
        _check_choice("policy", self.policy, ("nist", "guide"))
        if self.min_length is not None and self.min_length < LEAST_LENGTH:
            raise ConfigurationError(
                f"passwords.min_length {self.min_length} is too short",
                fix=f"use {LEAST_LENGTH} or more; 15 without a second factor",
            )
        if self.max_length < max(LEAST_MAX_LENGTH, self.min_length or 0):
            raise ConfigurationError(
                f"passwords.max_length {self.max_length} is too short",
                fix=f"use {LEAST_MAX_LENGTH} or more, and no less than min_length",
            )
        if self.max_bytes < 4 * self.max_length:
            raise ConfigurationError(
                f"passwords.max_bytes {self.max_bytes} does not hold {self.max_length} characters",
                fix=f"use {4 * self.max_length} or more: UTF-8 takes up to four bytes a character",
            )
        if self.breach_check:
            _check_url(self.breach_url)
        # Built once and thrown away: each refuses its own bad values.
        Bcrypt(rounds=self.bcrypt_rounds)
        PepperRing(self.peppers, self.pepper_id)
        HashingPool(
            workers=1 if self.workers is None else self.workers,
            queue_size=self.queue_size,
            niceness=self.niceness,
        )

    @property
    def argon2_parameters(self) -> Argon2Parameters:
        """The cost of Argon2id that holds."""
        return self.argon2 or PROFILES[self.profile]

    @property
    def is_weak(self) -> bool:
        """Whether new hashes cost too little to protect: production must refuse to start."""
        if self.algorithm == "bcrypt":
            return self.bcrypt_rounds < WEAK_ROUNDS
        return self.argon2_parameters.is_weak


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    is_local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_local):
        raise ConfigurationError(
            "passwords.breach_url is not encrypted", fix="use an https address, or leave it out"
        )
    if not parts.hostname or parts.query or parts.fragment:
        raise ConfigurationError(
            "passwords.breach_url is no address that a prefix can follow",
            fix="write scheme, host and path, such as https://api.pwnedpasswords.com/range",
        )


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigurationError(
            f"passwords.{name} `{value}` is unknown", fix=f"use one of: {', '.join(choices)}"
        )
