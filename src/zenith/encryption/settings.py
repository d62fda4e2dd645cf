"""Settings of encryption."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret, check_strength
from zenith.kernel.records import dataclass

PREFIX: Final = "ZENITH_ENCRYPTION__"
SERVICES: Final = ("aws", "google", "azure", "vault")


@dataclass(frozen=True, kw_only=True, slots=True)
class EncryptionSettings:
    """Where the keys of encrypted values are. Checked at construction.

    Data keys are random and kept in a file, wrapped by a key-encryption key, of which one of `key`,
    `key_file`, `key_command` and `kms_key` says where it is (ASVS 13.3.1, 13.3.3). The
    application's secret is never taken for it: that one is replaced after a theft and forgotten a
    week later, and all data with it.
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

    kms_key: str = ""
    """A key of a key management service, which wraps the key-encryption key and stays there:
    `aws:` and an ARN, `google:` and `projects/...`, `azure:` or `vault:` and an address. Needs the
    extra `kms-aws`, `kms-google`, `kms-azure` or `kms-vault`."""

    kms_context: str = ""
    """The name of this deployment, such as `shop-production`: what was wrapped for one deployment
    does not open for another that may use the same key. No secret: services log it."""

    kms_endpoint: str = ""
    """Another address of AWS KMS or Google Cloud KMS, such as one of a private network."""

    kms_token_file: Path | None = None
    """The file with the token for Vault, which an agent keeps fresh and only its owner can read."""

    kms_signing_key: str = ""
    """The address of the second key of Azure Key Vault, which signs what the first has wrapped."""

    kms_timeout: float = 10.0
    """Seconds that a service gets for each of three attempts."""

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
        if sum(map(bool, self._named)) > 1:
            raise ConfigurationError(
                "encryption has more than one key-encryption key",
                fix=f"set one of {PREFIX}KEY, {PREFIX}KEY_FILE, {PREFIX}KEY_COMMAND and"
                f" {PREFIX}KMS_KEY",
            )
        if self.key is not None:
            check_strength(self.key, setting=f"{PREFIX}KEY")
        self._check_service()
        if not 0.1 <= self.refresh <= 3600:  # noqa: PLR2004
            raise ConfigurationError(
                f"{PREFIX}REFRESH is out of range", fix="choose 0.1 to 3600 seconds"
            )

    @property
    def has_key(self) -> bool:
        """Whether a key-encryption key is named."""
        return any(map(bool, self._named))

    @property
    def _named(self) -> tuple[object, ...]:
        return self.key, self.key_file, self.key_command, self.kms_key

    def _check_service(self) -> None:
        if self.kms_key and self.kms_key.partition(":")[0] not in SERVICES:
            raise ConfigurationError(
                f"{PREFIX}KMS_KEY names no key management service that is known",
                fix=f"begin it with one of {', '.join(f'{each}:' for each in SERVICES)}",
            )
        if self.kms_key and not (self.kms_context.isprintable() and self.kms_context):
            raise ConfigurationError(
                f"{PREFIX}KMS_CONTEXT is not set",
                fix="name this deployment in it, such as shop-production",
            )
        if not 0.1 <= self.kms_timeout <= 60:  # noqa: PLR2004
            raise ConfigurationError(
                f"{PREFIX}KMS_TIMEOUT is out of range", fix="choose 0.1 to 60 seconds"
            )
