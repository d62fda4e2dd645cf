"""Settings of encryption."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret, check_strength
from zenith.kernel.records import dataclass

PREFIX: Final = "ZENITH_ENCRYPTION__"


@dataclass(frozen=True, kw_only=True, slots=True)
class EncryptionSettings:
    """Where the keys of encrypted values are. Checked at construction.

    Data keys are random and kept in a file, wrapped by a key-encryption key, of which one of `key`,
    `key_file` and `key_command` says where it is (ASVS 13.3.1). The application's secret is never
    taken for it: that one is replaced after a theft and forgotten a week later, and all data with
    it.
    """

    key: Secret | None = None
    """The key-encryption key itself: at least 256 random bits. Other processes of the same user can
    read the environment; a file or a command tells fewer."""

    key_file: Path | None = None
    """A file with it, which nobody but its owner can read. Where none of the three is set,
    development makes `encryption.key` in `ZENITH_HOME`, and production refuses."""

    key_command: tuple[str, ...] = ()
    """A program that prints it, and its arguments; no shell reads it, and it gets an empty
    environment. Name it by its whole path."""

    keyring: Path | None = None
    """The file of wrapped data keys, made by `zenith keys generate`. All servers need the same.
    None: `encryption.json` in `ZENITH_HOME`."""

    refresh: float = 5.0
    """Seconds after which running processes see that the keys were changed."""

    fernet_keys: tuple[Secret, ...] = ()
    """Fernet keys whose values are still read (`guide_fernet_key`); nothing is made with them."""

    erase_with_account: bool = False
    """Whether the deletion of an account destroys its subject key (`app.subject_keys`), so that
    what was encrypted under it never opens again, in backups either."""

    def __post_init__(self) -> None:
        if (
            sum(each is not None for each in (self.key, self.key_file, self.key_command or None))
            > 1
        ):
            raise ConfigurationError(
                "encryption has more than one key-encryption key",
                fix=f"set one of {PREFIX}KEY, {PREFIX}KEY_FILE and {PREFIX}KEY_COMMAND",
            )
        if self.key is not None:
            check_strength(self.key, setting=f"{PREFIX}KEY")
        if not 0.1 <= self.refresh <= 3600:  # noqa: PLR2004
            raise ConfigurationError(
                f"{PREFIX}REFRESH is out of range", fix="choose 0.1 to 3600 seconds"
            )

    @property
    def has_key(self) -> bool:
        """Whether a key-encryption key is named."""
        return bool(self.key or self.key_file or self.key_command)
