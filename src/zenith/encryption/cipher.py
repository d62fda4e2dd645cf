"""AES-256-GCM over a keyring: bytes in, sealed bytes out."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from zenith.encryption.data_key import KEY_BYTES
from zenith.encryption.errors import DecryptionError
from zenith.encryption.keyring import Keyring
from zenith.encryption.sealed import (
    HEADER,
    ID_END,
    MAX_PLAIN,
    NONCE_END,
    OVERHEAD,
    SALT_BYTES,
    VERSION,
    header,
)

NONCE_BYTES: Final = 12
VALUES_PER_KEY: Final = 1 << 26
"""Values under one message key. NIST SP 800-38D section 8.3 allows 2^32 with random nonces; a
process that forks shares its message key with its children, and 64 of them stay below that."""
MAX_KNOWN: Final = 4096
LONGEST: Final = OVERHEAD + MAX_PLAIN
VERSION_BYTE: Final = VERSION[0]
INFO: Final = b"zenith/encryption/value/1"


class Cipher:
    """Seals and opens bytes under the keys of a ring.

    Threat: a nonce that repeats under one key, which gives away plaintexts and lets values be
    forged. Nobody can count what all processes encrypt under a data key; so none encrypts under it.
    Each cipher makes a random salt, derives a message key (RFC 5869) and counts its own values;
    before the budget is used up it takes a new salt (ASVS 11.3.4).
    """

    __slots__ = ("_known", "_ring", "_sealing", "_version")

    def __init__(self, keyring: Keyring) -> None:
        self._ring: Final = keyring
        self._known: dict[bytes, AESGCM] = {}
        self._version = keyring.version
        self._sealing = self._begin()

    @property
    def keyring(self) -> Keyring:
        """Where the keys come from."""
        return self._ring

    def seal(self, plain: bytes, aad: bytes) -> bytes:
        """Encrypt `plain` for the context whose bytes are `aad`.

        Raises ValueError for more than 16 MiB, which is for streams.
        """
        if len(plain) > MAX_PLAIN:
            raise ValueError(f"more than {MAX_PLAIN} bytes: encrypt them as a stream")
        if self._version != self._ring.version:
            self._refresh()
        head, cipher, budget = self._sealing
        if next(budget, None) is None:
            head, cipher, _ = self._sealing = self._begin()
        nonce = os.urandom(NONCE_BYTES)
        return head + nonce + cipher.encrypt(nonce, plain, head + aad)

    def open(self, sealed: bytes, aad: bytes) -> bytes:
        """What was sealed for this context; raises DecryptionError for all else."""
        if not OVERHEAD <= len(sealed) <= LONGEST or sealed[0] != VERSION_BYTE:
            raise DecryptionError
        if self._version != self._ring.version:
            self._refresh()
        head = sealed[:HEADER]
        # Held on to: a key that is destroyed meanwhile does not get into the next memory.
        memory = self._known
        known = memory.get(head)
        cipher = known or self._derive(head)
        try:
            plain = cipher.decrypt(sealed[HEADER:NONCE_END], sealed[NONCE_END:], head + aad)
        except InvalidTag:
            raise DecryptionError from None
        if known is None:
            # Only now: salts that somebody made up do not push out those that are in use.
            if len(memory) >= MAX_KNOWN:
                memory.clear()
            memory[head] = cipher
        return plain

    def is_current(self, sealed: bytes) -> bool:
        """Whether the active key sealed it, judged by its id only."""
        return sealed[1:ID_END] == self._ring.active.id

    def __repr__(self) -> str:
        return f"Cipher({self._ring!r})"

    def __reduce__(self) -> str:
        raise TypeError("a Cipher cannot be pickled")

    def _begin(self) -> tuple[bytes, AESGCM, Iterator[int]]:
        head = header(self._ring.active.id, secrets.token_bytes(SALT_BYTES))
        # One object that is read in one step; an iterator counts safely across threads.
        return head, self._derive(head), iter(range(VALUES_PER_KEY))

    def _refresh(self) -> None:
        # What was derived from a destroyed key goes with it.
        version = self._ring.version
        self._known = {}
        self._sealing = self._begin()
        self._version = version

    def _derive(self, head: bytes) -> AESGCM:
        material = self._ring.material(head[1:ID_END])
        if material is None:
            raise DecryptionError
        return AESGCM(message_key(material, salt=head[ID_END:], info=INFO))


def message_key(material: bytes, *, salt: bytes, info: bytes) -> bytes:
    """The key for one salt and one use (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(material)
