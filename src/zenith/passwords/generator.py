"""Random passwords."""

from __future__ import annotations

import secrets
import string
from typing import Final

from zenith.kernel.errors import ConfigurationError

KINDS: Final = (
    string.ascii_uppercase,
    string.ascii_lowercase,
    string.digits,
    string.punctuation,
)
ALPHABET: Final = "".join(KINDS)
MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 1_024


def generate_strong_password(length: int = 20) -> str:
    """A random password with an uppercase and a lowercase letter, a digit and a special character.

    Drawn whole from the operating system's generator until all four kinds are in it, so that every
    such password is equally likely; twenty characters have 130 bits. Raises ConfigurationError for
    a `length` below 8 or above 1,024.
    """
    if not MIN_LENGTH <= length <= MAX_LENGTH:
        raise ConfigurationError(
            f"a password of {length} characters cannot be generated",
            fix=f"ask for {MIN_LENGTH} to {MAX_LENGTH} characters",
        )
    while True:
        password = "".join(secrets.choice(ALPHABET) for _ in range(length))
        if all(any(character in kind for character in password) for kind in KINDS):
            return password
