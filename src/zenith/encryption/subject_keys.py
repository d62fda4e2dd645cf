"""A key for each subject, so that who deletes the key deletes the subject's data everywhere."""

from __future__ import annotations

from typing import Final

from zenith.encryption.context import Context
from zenith.encryption.data_key import DataKey, KeyState
from zenith.encryption.errors import DecryptionError, SubjectErasedError
from zenith.encryption.keyring import Keyring
from zenith.encryption.service import EncryptionService
from zenith.encryption.store import SubjectKeyStore

WRAPPED: Final = Context("subject-key", "zenith", "subject_key")


class SubjectKeys:
    """Erasure by destroyed keys (crypto-shredding), for copies that nobody can reach: backups,
    replicas, logs, files.

    Threat: personal data that stays where it should be gone (GDPR article 17, ASVS 14.2.7). Keys
    are random, wrapped by `service` and bound to their subject. Each use asks the store, so that an
    erased subject is erased for every process at once; ask once for a request. Keys in backups of
    the store live as long as those backups: keep them apart, and for a short time.
    """

    def __init__(self, service: EncryptionService, store: SubjectKeyStore) -> None:
        self._service: Final = service
        self._store: Final = store

    async def service_for(self, subject: str) -> EncryptionService:
        """What encrypts and decrypts for `subject`, whose key is made at the first use.

        Hold it no longer than for one request. Raises SubjectErasedError for erased subjects.
        """
        wrapped = await self._store.find(subject)
        if wrapped is None:
            key = DataKey.new()
            plain = key.id + (key.material or b"")
            fresh = self._service.seal_text(plain, WRAPPED, row=subject)
            wrapped = await self._store.add(subject, fresh)
        return EncryptionService(self._unwrap(wrapped, subject))

    async def existing(self, subject: str) -> EncryptionService:
        """The same for reading only: makes no key. DecryptionError where there is none."""
        wrapped = await self._store.find(subject)
        if wrapped is None:
            raise DecryptionError
        return EncryptionService(self._unwrap(wrapped, subject))

    async def erase(self, subject: str) -> bool:
        """Destroy the subject's key for good; whether there was one. No other is ever made."""
        return await self._store.erase(subject)

    def _unwrap(self, wrapped: str, subject: str) -> Keyring:
        if not wrapped:
            raise SubjectErasedError
        plain = self._service.open_text(wrapped, WRAPPED, row=subject)
        return Keyring([DataKey(plain[:4], plain[4:], KeyState.ACTIVE)])
