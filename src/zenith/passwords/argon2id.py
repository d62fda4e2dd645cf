"""Argon2id (RFC 9106), the default. Reads every Argon2 hash in the usual encoding."""

from __future__ import annotations

import os
import re
from typing import Final

from argon2.exceptions import HashingError, VerificationError, VerifyMismatchError
from argon2.low_level import Type, error_to_str, hash_secret, verify_secret

from zenith.kernel.errors import ConfigurationError, ServiceUnavailableError
from zenith.kernel.records import dataclass
from zenith.passwords.errors import UnusableHashError

SALT_BYTES: Final = 16
DIGEST_BYTES: Final = 32
MAX_TIME_COST: Final = 64
MAX_MEMORY_COST: Final = 1024 * 1024
"""KiB. A stored hash may not make the server take more than 1 GiB."""
MAX_PARALLELISM: Final = 64

_FORM: Final = re.compile(
    r"(?:argon2)?\$argon2(id|i|d)(?:\$v=(16|19))?\$m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,9})"
    r"\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)",
    re.ASCII,
)
_TYPES: Final = {"id": Type.ID, "i": Type.I, "d": Type.D}
_OUT_OF_RESOURCES: Final = frozenset({error_to_str(-22), error_to_str(-33)})
"""ARGON2_MEMORY_ALLOCATION_ERROR and ARGON2_THREAD_FAIL: the machine's fault, not the hash's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Argon2Parameters:
    """The cost of one Argon2id hash."""

    time_cost: int = 3
    """Passes over the memory."""

    memory_cost: int = 65_536
    """Memory in KiB; at least 8 per lane."""

    parallelism: int = 4
    """Lanes."""

    def __post_init__(self) -> None:
        if not 1 <= self.parallelism <= MAX_PARALLELISM:
            raise ConfigurationError(
                f"passwords: Argon2 parallelism {self.parallelism} is out of range",
                fix=f"use 1 to {MAX_PARALLELISM}",
            )
        if not 1 <= self.time_cost <= MAX_TIME_COST:
            raise ConfigurationError(
                f"passwords: Argon2 time_cost {self.time_cost} is out of range",
                fix=f"use 1 to {MAX_TIME_COST}",
            )
        if not 8 * self.parallelism <= self.memory_cost <= MAX_MEMORY_COST:
            raise ConfigurationError(
                f"passwords: Argon2 memory_cost {self.memory_cost} KiB is out of range",
                fix=f"use {8 * self.parallelism} to {MAX_MEMORY_COST}",
            )

    @property
    def is_weak(self) -> bool:
        """Whether it is below the least that OWASP's password storage cheat sheet lists."""
        least = ((47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5))
        return not any(self.memory_cost >= m and self.time_cost >= t for m, t in least)


PROFILES: Final = {
    "guide": Argon2Parameters(),
    "owasp": Argon2Parameters(time_cost=2, memory_cost=19_456, parallelism=1),
    "low_memory": Argon2Parameters(time_cost=2, memory_cost=19_456, parallelism=1),
    "testing": Argon2Parameters(time_cost=1, memory_cost=8, parallelism=1),
}
"""`guide` is also the second recommendation of RFC 9106 section 4; `low_memory` is another name for
`owasp`; `testing` protects nothing."""


class Argon2id:
    """Makes Argon2id hashes; verifies argon2id, argon2i and argon2d, with Django's prefix too."""

    def __init__(self, parameters: Argon2Parameters) -> None:
        self._parameters = parameters
        self._current = (
            "id",
            "19",
            str(parameters.memory_cost),
            str(parameters.time_cost),
            str(parameters.parallelism),
        )

    def owns(self, hashed: str) -> bool:
        """Whether `hashed` is an Argon2 hash."""
        return hashed.startswith(("$argon2", "argon2$"))

    def hash(self, secret: bytes) -> str:
        """A new Argon2id hash; raises ServiceUnavailableError when memory is short."""
        try:
            return hash_secret(
                secret,
                os.urandom(SALT_BYTES),
                time_cost=self._parameters.time_cost,
                memory_cost=self._parameters.memory_cost,
                parallelism=self._parameters.parallelism,
                hash_len=DIGEST_BYTES,
                type=Type.ID,
            ).decode("ascii")
        except HashingError as error:
            raise ServiceUnavailableError(reason=f"argon2: {error}") from error

    def verify(self, secret: bytes, hashed: str) -> bool:
        """Whether `hashed` was made from `secret`.

        Raises UnusableHashError for a damaged or too costly hash, ServiceUnavailableError when
        memory is short.
        """
        kind, *_ = _parse(hashed)
        try:
            return verify_secret(hashed.removeprefix("argon2").encode(), secret, _TYPES[kind])
        except VerifyMismatchError:
            return False
        except VerificationError as error:
            if str(error) in _OUT_OF_RESOURCES:
                raise ServiceUnavailableError(reason=f"argon2: {error}") from error
            raise UnusableHashError(f"the stored argon2 hash is damaged: {error}") from None

    def is_outdated(
        self,
        hashed: str,
        *,
        secret: bytes | None = None,  # noqa: ARG002  part of the contract; bcrypt needs it
    ) -> bool:
        """Whether variant, version, cost or length differ from today's."""
        kind, version, memory, time, lanes, salt, digest = _parse(hashed)
        return (
            (kind, version, memory, time, lanes) != self._current
            or len(digest) * 3 // 4 != DIGEST_BYTES
            or len(salt) * 3 // 4 != SALT_BYTES
            or hashed.startswith("argon2$")
        )


def _parse(hashed: str) -> tuple[str, str, str, str, str, str, str]:
    match = _FORM.fullmatch(hashed)
    if match is None:
        raise UnusableHashError("the stored argon2 hash is damaged")
    kind, version, memory, time, lanes, salt, digest = match.groups(default="16")
    within = (
        int(memory) <= MAX_MEMORY_COST
        and int(time) <= MAX_TIME_COST
        and int(lanes) <= MAX_PARALLELISM
    )
    if not within:
        raise UnusableHashError("the stored argon2 hash costs more than is allowed")
    return kind, version, memory, time, lanes, salt, digest
