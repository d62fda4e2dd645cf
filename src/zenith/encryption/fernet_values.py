"""Values of the security guide's service, which are Fernet tokens: read, never made."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from zenith.encryption.errors import DecryptionError
from zenith.encryption.sealed import MAX_TEXT
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret

MARK: Final = "gAAAAA"
"""Begins every Fernet token made before the year 2106: its version and the zeros of its time."""
GUIDE_SALT: Final = b"stable_salt"
GUIDE_ITERATIONS: Final = 100_000


def guide_fernet_key(master_key: str | Secret) -> Secret:
    """The Fernet key that the guide's service derives from its master key.

    Takes about 50 ms, so it is for the start of a program. The salt is the guide's constant: the
    key is for reading old values and for nothing else.
    """
    text = master_key.reveal() if isinstance(master_key, Secret) else master_key
    kdf = PBKDF2HMAC(algorithm=SHA256(), length=32, salt=GUIDE_SALT, iterations=GUIDE_ITERATIONS)
    return Secret(base64.urlsafe_b64encode(kdf.derive(text.encode())).decode("ascii"))


class FernetValues:
    """Opens Fernet tokens under any of some keys.

    Threat: tokens are bound to no place, so who can write to the database can copy one over
    another. Re-encrypt them, then leave the keys out.
    """

    def __init__(self, keys: Sequence[str | Secret]) -> None:
        texts = [key.reveal() if isinstance(key, Secret) else key for key in keys]
        try:
            self._fernet: Final = MultiFernet([Fernet(text) for text in texts])
        except ValueError:
            raise ConfigurationError(
                "fernet_keys holds what is no Fernet key",
                fix="pass 32 bytes in base64url, or guide_fernet_key(master_key)",
            ) from None

    def open(self, token: str) -> bytes:
        """The plaintext; raises DecryptionError for all that is no token of these keys."""
        if len(token) > MAX_TEXT:
            raise DecryptionError
        try:
            return self._fernet.decrypt(token)
        except (InvalidToken, ValueError):
            raise DecryptionError from None
