"""Peppers: a secret outside the database, without which a stolen table of hashes is of no use.

A password goes through HMAC-SHA256 with the pepper before it is hashed (NIST SP 800-63B-4 section
3.1.1.2 asks for such a keyed step; ASVS 13.3.1 for its key to stay out of the database). The hash
says which pepper: `$zp$k=<id>` stands before it, so that peppers can be rotated one sign-in at a
time.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping
from typing import Final

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret, check_strength, derive
from zenith.passwords.errors import UnusableHashError

PREFIX: Final = "$zp$"
_FORM: Final = re.compile(r"\$zp\$k=([a-z0-9_-]{1,32})(\$.*)", re.ASCII | re.DOTALL)
_ID: Final = re.compile(r"[a-z0-9_-]{1,32}", re.ASCII)


class PepperRing:
    """All peppers that stored hashes may need, and the one that new hashes use.

    `current` None makes new hashes without a pepper; the ring still verifies old ones. Raises
    ConfigurationError for weak keys, malformed ids or a `current` that is not in the ring.
    """

    def __init__(self, peppers: Mapping[str, Secret], current: str | None) -> None:
        for key_id, secret in peppers.items():
            if not _ID.fullmatch(key_id):
                raise ConfigurationError(
                    f"passwords.peppers: `{key_id}` is no key id",
                    fix="use 1 to 32 of a-z, 0-9, _ and -",
                )
            check_strength(secret, setting=f"passwords.peppers[{key_id}]")
        if current is not None and current not in peppers:
            raise ConfigurationError(
                f"passwords.pepper_id `{current}` is not among passwords.peppers",
                fix="add that pepper, or name one of those that are there",
            )
        self.current = current
        self._keys = {
            key_id: derive(secret, "passwords/pepper") for key_id, secret in peppers.items()
        }

    def split(self, stored: str) -> tuple[str | None, str]:
        """The key id in a stored hash, if any, and the hash proper; raises UnusableHashError."""
        if not stored.startswith(PREFIX):
            return None, stored
        match = _FORM.fullmatch(stored)
        if match is None:
            raise UnusableHashError("the stored peppered hash is damaged")
        if match[1] not in self._keys:
            raise UnusableHashError(f"the stored hash needs the pepper `{match[1]}`, which is gone")
        return match[1], match[2]

    def apply(self, key_id: str | None, secret: bytes) -> bytes:
        """What is hashed in place of `secret`: 44 characters, so that bcrypt takes all of it."""
        if key_id is None:
            return secret
        return base64.b64encode(hmac.digest(self._keys[key_id], secret, "sha256"))

    def join(self, hashed: str) -> str:
        """`hashed`, marked with the current key id."""
        return hashed if self.current is None else f"{PREFIX}k={self.current}{hashed}"
