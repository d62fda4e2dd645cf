"""Secrets that must be read again, encrypted at rest."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret, b64encode, derive

NONCE: Final = 12
VERSION: Final = "v1."


class Sealer:
    """AES-256-GCM under a key of its own, bound to the row that holds the value.

    Threat: a stolen database or backup that yields what must be read again, such as second factors
    and links in mails, and a row copied over another's (ASVS 11.3.2, 11.3.3, 13.3.1). The first
    secret seals, all open; each purpose has keys of its own.
    """

    def __init__(self, keys: Sequence[Secret], *, purpose: str) -> None:
        if not keys:
            raise ConfigurationError(
                "nothing can be sealed without a key", fix="pass at least one secret"
            )
        self._ciphers: Final = [AESGCM(derive(key, purpose)) for key in keys]

    def seal(self, plain: bytes, *, row: str) -> str:
        """Encrypt for `row`."""
        nonce = secrets.token_bytes(NONCE)
        return VERSION + b64encode(nonce + self._ciphers[0].encrypt(nonce, plain, row.encode()))

    def open(self, sealed: str, *, row: str) -> tuple[bytes, bool] | None:
        """What was sealed for `row`, and whether the present key sealed it; None if no key opens
        it, because it was changed, belongs to another row, or its key is gone.
        """
        if not sealed.startswith(VERSION):
            return None
        text = sealed.removeprefix(VERSION)
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        for cipher in self._ciphers:
            try:
                plain = cipher.decrypt(data[:NONCE], data[NONCE:], row.encode())
            except (InvalidTag, ValueError):
                continue
            return plain, cipher is self._ciphers[0]
        return None
