"""The `guide` policy as a class whose attributes can be overridden."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from zenith.kernel.errors import ConfigurationError
from zenith.passwords.dictionary import Dictionary, fold
from zenith.passwords.generator import generate_strong_password
from zenith.passwords.policy import GUIDE_MIN_ENTROPY, GUIDE_MIN_LENGTH, PasswordPolicy


class PasswordValidator:
    """Judges passwords by rules that a subclass sets as class attributes."""

    MIN_LENGTH: ClassVar[int] = GUIDE_MIN_LENGTH
    """Least characters."""
    REQUIRE_UPPERCASE: ClassVar[bool] = True
    REQUIRE_LOWERCASE: ClassVar[bool] = True
    REQUIRE_DIGITS: ClassVar[bool] = True
    REQUIRE_SPECIAL: ClassVar[bool] = True
    MIN_ENTROPY: ClassVar[float] = GUIDE_MIN_ENTROPY
    """Least bits, by character."""
    COMMON_PASSWORDS_FILE: ClassVar[str | Path | None] = None
    """A list of your own, one password a line, besides the packaged one. Read at construction."""

    def __init__(self) -> None:
        self._policy = PasswordPolicy(
            min_length=self.MIN_LENGTH,
            require_uppercase=self.REQUIRE_UPPERCASE,
            require_lowercase=self.REQUIRE_LOWERCASE,
            require_digit=self.REQUIRE_DIGITS,
            require_special=self.REQUIRE_SPECIAL,
            min_character_entropy=self.MIN_ENTROPY,
        )
        self._own_list = _read_list(self.COMMON_PASSWORDS_FILE)

    def validate(self, password: str) -> tuple[bool, list[str]]:
        """Whether the password may be taken, and a sentence for each thing that is wrong."""
        result = self._policy.check(password)
        messages = [problem.message for problem in result.problems]
        if "common" not in result.codes and self._own_list.is_common(password):
            messages.append("This password is too common: choose another one")
        return not messages, messages

    def generate_strong_password(self, length: int = 16) -> str:
        """A random password of all four kinds; raises ConfigurationError below 8 characters."""
        return generate_strong_password(length)


def _read_list(path: str | Path | None) -> Dictionary:
    if path is None:
        return Dictionary()
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"COMMON_PASSWORDS_FILE `{path}` cannot be read: {error.__class__.__name__}",
            fix="name a UTF-8 text file with one password a line, or None",
        ) from error
    return Dictionary(common=[fold(line.strip()) for line in text.splitlines() if line.strip()])
