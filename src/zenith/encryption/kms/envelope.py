"""Data keys under a key-encryption key of their own, which a key management service wraps."""

from __future__ import annotations

import hmac
from typing import Final

from zenith.encryption.data_key import ID_BYTES, DataKey, KeyState
from zenith.encryption.errors import DecryptionError
from zenith.encryption.keyring import Keyring
from zenith.encryption.kms.service import KeyService, failed
from zenith.encryption.providers import DATA_KEY
from zenith.encryption.service import EncryptionService

VERSION: Final = b"\x01"
HEAD: Final = 3
"""Bytes of the version and of the length of what the service has wrapped."""
MAX_SEALED: Final = 0xFFFF


class ServiceKeyProvider:
    """A KeyProvider whose key-encryption key opens by a key management service only.

    Threat: a stolen key file, and a backup of it, that open by what lies beside them; a service
    that is asked for each key, so that it decides how fast and whether an application starts.

    The key-encryption key is random, wrapped by the service, stored before each data key, and held
    in memory once it was opened: one question for each start, whatever the number of keys. Each
    data key is bound to its context here, by AES-256-GCM; the service binds to the deployment. A
    new key-encryption key is opened once by the service before anything rests on it. Make another
    provider for another key-encryption key.
    """

    def __init__(self, service: KeyService) -> None:
        self._service: Final = service
        self._known: tuple[bytes, EncryptionService] | None = None

    async def wrap(self, data_key: bytes, *, context: str) -> bytes:
        """Encrypt a data key; raises ConfigurationError where the service cannot be used."""
        sealed, cipher = self._known or await self._begin()
        head = VERSION + len(sealed).to_bytes(2, "big") + sealed
        return head + cipher.seal(data_key, DATA_KEY, row=context)

    async def unwrap(self, wrapped: bytes, *, context: str) -> bytes:
        """The data key; raises DecryptionError, and ConfigurationError as `wrap` does."""
        end = HEAD + int.from_bytes(wrapped[1:HEAD], "big")
        if wrapped[:1] != VERSION or not HEAD < end < len(wrapped):
            raise DecryptionError
        cipher = await self._opened(wrapped[HEAD:end])
        return cipher.open(wrapped[end:], DATA_KEY, row=context)

    async def _begin(self) -> tuple[bytes, EncryptionService]:
        key = DataKey.new()
        plain = key.id + (key.material or b"")
        sealed = await self._service.encrypt(plain)
        if not 0 < len(sealed) <= MAX_SEALED:
            raise failed(self._service.name, "wraps to more than can be kept")
        try:
            opened = await self._service.decrypt(sealed)
        except DecryptionError:
            opened = b""
        if not hmac.compare_digest(opened, plain):
            raise failed(self._service.name, "does not open what it has wrapped")
        self._known = sealed, _cipher(plain)
        return self._known

    async def _opened(self, sealed: bytes) -> EncryptionService:
        if self._known is None or self._known[0] != sealed:
            self._known = sealed, _cipher(await self._service.decrypt(sealed))
        return self._known[1]


def _cipher(plain: bytes) -> EncryptionService:
    if len(plain) <= ID_BYTES:
        raise DecryptionError
    key = DataKey(plain[:ID_BYTES], plain[ID_BYTES:], KeyState.ACTIVE)
    return EncryptionService(Keyring([key]))
