"""A key for each subject, so that who deletes the key deletes the subject's data everywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from zenith.encryption.context import Context
from zenith.encryption.data_key import DataKey, KeyState
from zenith.encryption.errors import DecryptionError, SubjectErasedError
from zenith.encryption.keyring import Keyring
from zenith.encryption.service import EncryptionService
from zenith.encryption.store import SubjectKeyStore
from zenith.kernel.clock import wall_clock
from zenith.kernel.events import Event, EventSink, EventType, Silence
from zenith.kernel.one_step import one_step

PAGE: Final = 500
WRAPPED: Final = Context("subject-key", "zenith", "subject_key")


class SubjectKeys:
    """Erasure by destroyed keys (crypto-shredding), for copies that nobody can reach: backups,
    replicas, logs, files.

    Threat: personal data that stays where it should be gone (GDPR article 17, ASVS 14.2.7). Keys
    are random, wrapped by `service` and bound to their subject. Each use asks the store, so that an
    erased subject is erased for every process at once; ask once for a request. Keys in backups of
    the store live as long as those backups: keep them apart, and for a short time.
    """

    def __init__(
        self,
        service: EncryptionService,
        store: SubjectKeyStore,
        *,
        events: EventSink | None = None,
    ) -> None:
        self._events: Final = events or Silence()
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

    async def erase(self, subject: str, *, by: str | None = None) -> bool:
        """Destroy the subject's key for good; whether there was one. No other is ever made. `by` is
        the subject id of who wants it, for the audit log.
        """
        return await erase_subject(self._store, self._events, subject, by=by)

    async def reencrypt(self) -> int:
        """Wrap all subjects' keys under the active key; how many were not. What is encrypted under
        them stays as it is. Raises DecryptionError if one does not open.
        """
        return sum([await self._rewrap(each, wrapped) async for each, wrapped in self._former()])

    async def count_former(self) -> int:
        """How many subjects' keys are wrapped under a key that is no longer active."""
        return len([subject async for subject, _ in self._former()])

    async def _former(self) -> AsyncIterator[tuple[str, str]]:
        after = ""
        while page := await self._store.page(after, PAGE):
            for subject, wrapped in page:
                if wrapped and not self._service.is_current(wrapped):
                    yield subject, wrapped
            after = page[-1][0]

    async def _rewrap(self, subject: str, wrapped: str) -> bool:
        # A subject that is erased meanwhile stays erased: its key is no longer the former one.
        fresh = self._service.reencrypt(wrapped, WRAPPED, row=subject)
        return await self._store.replace(subject, wrapped, fresh)

    def _unwrap(self, wrapped: str, subject: str) -> Keyring:
        if not wrapped:
            raise SubjectErasedError
        plain = self._service.open_text(wrapped, WRAPPED, row=subject)
        return Keyring([DataKey(plain[:4], plain[4:], KeyState.ACTIVE)])


async def erase_subject(
    store: SubjectKeyStore, events: EventSink, subject: str, *, by: str | None
) -> bool:
    """`SubjectKeys.erase`, which needs no key: it works where there are none any more."""
    async with one_step():
        erased = await store.erase(subject)
        if erased:
            await events.record(
                Event(
                    type=EventType.SUBJECT_ERASED,
                    outcome="success",
                    at=wall_clock(),
                    subject=by,
                    target=subject,
                    severity="WARNING",
                )
            )
    return erased
