"""PBKDF2 (RFC 8018), read only: hashes that Django, passlib and Werkzeug made."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

from zenith.kernel.records import dataclass
from zenith.passwords.encoding import b64, hexadecimal
from zenith.passwords.errors import UnusableHashError

MAX_ITERATIONS: Final = 10_000_000
"""A stored hash may not hold a worker for more than a few seconds."""
MIN_DIGEST_BYTES: Final = 16

_DJANGO: Final = re.compile(
    r"pbkdf2_(sha1|sha256|sha512)\$(\d{1,9})\$([^$]+)\$([A-Za-z0-9+/]+=*)", re.ASCII
)
_PASSLIB: Final = re.compile(
    r"\$pbkdf2(-sha256|-sha512|)\$(\d{1,9})\$([A-Za-z0-9./]*)\$([A-Za-z0-9./]+)", re.ASCII
)
_WERKZEUG: Final = re.compile(
    r"pbkdf2:(sha1|sha256|sha512):(\d{1,9})\$([^$]+)\$([0-9a-f]+)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class _Parsed:
    algorithm: str
    iterations: int
    salt: bytes
    digest: bytes


class Pbkdf2:
    """Verifies PBKDF2 with SHA-1, SHA-256 and SHA-512."""

    def owns(self, hashed: str) -> bool:
        """Whether `hashed` is a PBKDF2 hash."""
        return hashed.startswith(("pbkdf2_", "$pbkdf2", "pbkdf2:"))

    def verify(self, secret: bytes, hashed: str) -> bool:
        """Whether `hashed` was made from `secret`; raises UnusableHashError if it is damaged."""
        parsed = _parse(hashed)
        if len(parsed.digest) < MIN_DIGEST_BYTES:
            raise UnusableHashError("the stored pbkdf2 hash is damaged")
        if not 1 <= parsed.iterations <= MAX_ITERATIONS:
            raise UnusableHashError("the stored pbkdf2 hash costs more than is allowed")
        computed = hashlib.pbkdf2_hmac(
            parsed.algorithm, secret, parsed.salt, parsed.iterations, len(parsed.digest)
        )
        return hmac.compare_digest(computed, parsed.digest)


def _parse(hashed: str) -> _Parsed:
    if match := _DJANGO.fullmatch(hashed):
        return _Parsed(match[1], int(match[2]), match[3].encode(), b64(match[4], kind="pbkdf2"))
    if match := _PASSLIB.fullmatch(hashed):
        salt, digest = (b64(part.replace(".", "+"), kind="pbkdf2") for part in match.groups()[2:])
        return _Parsed(match[1].removeprefix("-") or "sha1", int(match[2]), salt, digest)
    if match := _WERKZEUG.fullmatch(hashed):
        digest = hexadecimal(match[4], kind="pbkdf2")
        return _Parsed(match[1], int(match[2]), match[3].encode(), digest)
    raise UnusableHashError("the stored pbkdf2 hash is damaged")
