"""scrypt (RFC 7914), read only: hashes that Django, passlib and Werkzeug made."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

from zenith.kernel.records import dataclass
from zenith.passwords.encoding import b64, hexadecimal
from zenith.passwords.errors import UnusableHashError

MAX_MEMORY_BYTES: Final = 512 * 1024 * 1024
"""A stored hash may not make the server take more than this: 128 · N · r bytes."""
MAX_PARALLELISM: Final = 16
MIN_DIGEST_BYTES: Final = 16

_DJANGO: Final = re.compile(
    r"scrypt\$(\d{1,9})\$([^$]+)\$(\d{1,3})\$(\d{1,3})\$([A-Za-z0-9+/]+=*)", re.ASCII
)
_PASSLIB: Final = re.compile(
    r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]*)\$([A-Za-z0-9+/]+)", re.ASCII
)
_WERKZEUG: Final = re.compile(
    r"scrypt:(\d{1,9}):(\d{1,3}):(\d{1,3})\$([^$]+)\$([0-9a-f]+)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class _Parsed:
    n: int
    r: int
    p: int
    salt: bytes
    digest: bytes


class Scrypt:
    """Verifies scrypt hashes."""

    def owns(self, hashed: str) -> bool:
        """Whether `hashed` is a scrypt hash."""
        return hashed.startswith(("scrypt$", "$scrypt$", "scrypt:"))

    def verify(self, secret: bytes, hashed: str) -> bool:
        """Whether `hashed` was made from `secret`; raises UnusableHashError if it is damaged."""
        parsed = _parse(hashed)
        memory = 128 * parsed.n * parsed.r
        if memory > MAX_MEMORY_BYTES or parsed.p > MAX_PARALLELISM:
            raise UnusableHashError("the stored scrypt hash costs more than is allowed")
        if len(parsed.digest) < MIN_DIGEST_BYTES:
            raise UnusableHashError("the stored scrypt hash is damaged")
        try:
            computed = hashlib.scrypt(
                secret,
                salt=parsed.salt,
                n=parsed.n,
                r=parsed.r,
                p=parsed.p,
                maxmem=memory + 128 * parsed.r * (parsed.p + 2) + 1024 * 1024,
                dklen=len(parsed.digest),
            )
        except ValueError:
            raise UnusableHashError("the stored scrypt hash is damaged") from None
        return hmac.compare_digest(computed, parsed.digest)


def _parse(hashed: str) -> _Parsed:
    if match := _DJANGO.fullmatch(hashed):
        n, salt, r, p, digest = match.groups()
        return _Parsed(int(n), int(r), int(p), salt.encode(), b64(digest, kind="scrypt"))
    if match := _PASSLIB.fullmatch(hashed):
        log_n, r, p, salt, digest = match.groups()
        raw = b64(digest, kind="scrypt")
        return _Parsed(1 << int(log_n), int(r), int(p), b64(salt, kind="scrypt"), raw)
    if match := _WERKZEUG.fullmatch(hashed):
        n, r, p, salt, digest = match.groups()
        raw = hexadecimal(digest, kind="scrypt")
        return _Parsed(int(n), int(r), int(p), salt.encode(), raw)
    raise UnusableHashError("the stored scrypt hash is damaged")
