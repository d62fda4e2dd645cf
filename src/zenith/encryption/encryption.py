"""The encryption of one application: a service whose keys are kept in a file and change live."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Self

from zenith.encryption.blind_index import BITS, BlindIndex
from zenith.encryption.key_file import KeyFile, Stamp
from zenith.encryption.key_set import KeySet
from zenith.encryption.keyring import Keyring
from zenith.encryption.providers import (
    CommandKeyProvider,
    EnvironmentKeyProvider,
    FileKeyProvider,
    KeyProvider,
)
from zenith.encryption.service import EncryptionService
from zenith.encryption.settings import PREFIX, EncryptionSettings
from zenith.kernel.background import end
from zenith.kernel.errors import ConfigurationError

FILE_NAME: Final = "encryption.json"
_log: Final = logging.getLogger("zenith")


class Encryption(EncryptionService):
    """An EncryptionService that knows where its keys come from, with blind indexes of its own keys.

    Threat: keys that stay for ever because replacing them needs a restart of everything. Between
    `start` and `stop` it looks every few seconds whether the file was changed, and takes new keys;
    a file that is older than what it holds, or does not open, changes nothing and is logged.
    """

    def __init__(
        self, keys: KeySet, file: KeyFile, settings: EncryptionSettings | None = None
    ) -> None:
        settings = settings or EncryptionSettings()
        super().__init__(keys.values, fernet_keys=settings.fernet_keys)
        self.file: Final = file
        self._indexes: Final = keys.indexes
        self._generation = keys.generation
        self._pause: Final = settings.refresh
        self._seen: Stamp | None = None
        self._watching: asyncio.Task[None] | None = None

    @classmethod
    def from_settings(
        cls, settings: EncryptionSettings, *, folder: Path = Path(), create: bool = False
    ) -> Self:
        """Read the keys, at the start of a program: it blocks. `folder` holds them where the
        settings say nothing else; with `create` they are made if there are none.

        Raises ConfigurationError, with what to do, for keys that are not there or do not open.
        """
        file = key_file(settings, folder=folder)
        work = file.create() if create else file.read()
        # In a thread: servers import applications while their event loop runs.
        with ThreadPoolExecutor(1) as thread:
            return cls(thread.submit(asyncio.run, work).result(), file, settings)

    @property
    def index_keys(self) -> Keyring:
        """The keys of blind indexes."""
        return self._indexes

    def blind_index(
        self, normalize: str = "exact", *, bits: int = BITS, unique: bool = False
    ) -> BlindIndex:
        """A BlindIndex under these keys, for a column that is found by equality."""
        return BlindIndex(self._indexes, normalize=normalize, bits=bits, unique=unique)

    async def refresh(self) -> bool:
        """Take the keys of the file if it was changed; whether it was.

        Raises ConfigurationError for a file that does not open, is older than these keys, or was
        made from one that is.
        """
        stamp = await asyncio.to_thread(self.file.stamp)
        if stamp == self._seen:
            return False
        fresh = await self.file.read()
        if fresh.generation < self._generation:
            raise ConfigurationError(
                f"{self.file.path} is older than the keys in use", fix="restore the newest copy"
            )
        if self._is_of_another_line(fresh):
            raise ConfigurationError(
                f"{self.file.path} lacks keys that are in use, or has others in their generation",
                fix="restore the newest copy: a former one was put back and then changed",
            )
        self._seen = stamp
        if fresh.generation == self._generation:
            return False
        self.keyring.replace(fresh.values.keys)
        self._indexes.replace(fresh.indexes.keys)
        self._generation = fresh.generation
        return True

    def _is_of_another_line(self, fresh: KeySet) -> bool:
        """A change adds keys and leaves out none but those that were destroyed long ago, so that
        each later document has all of these.
        """
        for held, read in ((self.keyring, fresh.values), (self._indexes, fresh.indexes)):
            if fresh.generation == self._generation and read.keys != held.keys:
                return True
            known = {key.id for key in read.keys}
            if not all(key.id in known or read.may_lack(key) for key in held.keys):
                return True
        return False

    async def start(self) -> None:
        """Begin to look for changed keys, until `stop`."""
        self.watch()

    def watch(self) -> None:
        """The same, where an event loop runs."""
        self._watching = asyncio.create_task(self._watch(), name="zenith-encryption-keys")

    async def stop(self) -> None:
        """End it."""
        if self._watching is not None:
            await end(self._watching)
            self._watching = None

    async def _watch(self) -> None:
        while True:
            try:
                await self.refresh()
            except Exception as error:  # noqa: BLE001  # whatever a provider raises: look again
                is_told = isinstance(error, ConfigurationError)
                told = str(error) if is_told else type(error).__name__
                _log.error("encryption keys stay as they are: %s", told)
            await asyncio.sleep(self._pause)


def key_file(settings: EncryptionSettings, *, folder: Path = Path()) -> KeyFile:
    """The file of keys that settings name, and who opens it; raises ConfigurationError without a
    key-encryption key.
    """
    return KeyFile(settings.keyring or folder / FILE_NAME, provider_of(settings))


def provider_of(settings: EncryptionSettings) -> KeyProvider:
    """Who holds the key-encryption key; raises ConfigurationError if nobody does."""
    if settings.key is not None:
        name = f"{PREFIX}KEY"
        return EnvironmentKeyProvider({name: settings.key.reveal()}, name)
    if settings.key_file is not None:
        return FileKeyProvider(settings.key_file)
    if settings.key_command:
        return CommandKeyProvider(settings.key_command)
    if settings.kms_key:
        # Who keeps the key here does not wait for what asks for it elsewhere.
        from zenith.encryption.kms.choice import service_provider  # noqa: PLC0415

        return service_provider(settings)
    raise ConfigurationError(
        "there is no key-encryption key",
        fix="make one with `zenith keys generate --key-file PATH`, keep a copy in a safe place, and"
        f" set {PREFIX}KEY_FILE",
    )
