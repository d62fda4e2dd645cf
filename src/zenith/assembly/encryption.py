"""Encryption: its keys, found when they are first needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from zenith.encryption import EncryptionSettings, SubjectKeys
from zenith.encryption.encryption import FILE_NAME, Encryption
from zenith.encryption.subject_keys import erase_subject
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.events import EventSink
from zenith.settings import Settings
from zenith.stores.key_file import read_or_make_key
from zenith.stores.sql import Database, SqlSubjectKeyStore

if TYPE_CHECKING:
    from zenith.accounts.own_account.deletion import Erase

KEY_FILE: Final = "encryption.key"


class OfferedEncryption:
    """Opens the keys once: at assembly where a key-encryption key is set, so that a start without
    usable keys is refused; else at the first use, so that who encrypts nothing has no key files.
    """

    def __init__(self, settings: Settings, database: Database, events: EventSink) -> None:
        self._settings: Final = settings
        self._events: Final = events
        self._store: Final = SqlSubjectKeyStore(database)
        own = settings.encryption
        self._opened = open_encryption(settings) if own is not None and own.has_key else None
        self._is_running = False

    @property
    def service(self) -> Encryption:
        """The application's encryption; raises ConfigurationError where it cannot be had."""
        if self._opened is None:
            self._opened = open_encryption(self._settings)
            if self._is_running:
                self._opened.watch()
        return self._opened

    @property
    def has_keys(self) -> bool:
        """Whether something is encrypted, as far as can be seen from here."""
        own = self._settings.encryption
        return self._opened is not None or (
            own is not None and (own.keyring or self._settings.home / FILE_NAME).exists()
        )

    @property
    def subject_keys(self) -> SubjectKeys:
        """The keys of persons, in the database of accounts."""
        return SubjectKeys(self.service, self._store, events=self._events)

    async def start(self) -> None:
        """Look for changed keys from now on."""
        self._is_running = True
        if self._opened is not None:
            await self._opened.start()

    async def stop(self) -> None:
        """End it."""
        self._is_running = False
        if self._opened is not None:
            await self._opened.stop()


def open_encryption(settings: Settings) -> Encryption:
    """The keys that settings name. Outside production they are made where none are.

    Raises ConfigurationError for encryption that is off, and for production without keys.
    """
    own = section(settings)
    if settings.is_production or own.has_key:
        return Encryption.from_settings(own, folder=settings.home)
    made = with_development_key(own, settings.home)
    return Encryption.from_settings(made, folder=settings.home, create=True)


def with_development_key(own: EncryptionSettings, home: Path) -> EncryptionSettings:
    """The same settings with a key file in `home`, made if there is none."""
    path, keys = home / KEY_FILE, own.keyring or home / FILE_NAME
    if not path.exists():
        if keys.exists():
            # Another key would not open them.
            raise ConfigurationError(
                f"{path} is missing, and {keys} opens with nothing else",
                fix="restore it; or remove both, and lose what was encrypted",
            )
        read_or_make_key(path)
    return replace(own, key_file=path)


def section(settings: Settings) -> EncryptionSettings:
    """The section of encryption; raises ConfigurationError if it is off."""
    if settings.encryption is None:
        raise ConfigurationError("encryption is off", fix="leave ZENITH_ENCRYPTION on")
    return settings.encryption


def erase_with_account(settings: Settings, database: Database, events: EventSink) -> Erase | None:
    """What destroys an account's subject key with the account, if that is asked for."""
    own = settings.encryption
    if own is None or not own.erase_with_account:
        return None
    store = SqlSubjectKeyStore(database)
    return lambda account: erase_subject(store, events, account, by=account)
