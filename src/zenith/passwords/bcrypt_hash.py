"""bcrypt, for those who must use it, without its two traps.

bcrypt looks at 72 bytes only: two long passwords with the same beginning would open the same
account. Some implementations also stop at the first NUL byte. So a secret longer than 72 bytes, or
with a NUL in it, goes through HMAC-SHA256 and base64 first, in passlib's documented form
`$bcrypt-sha256$v=2,t=2b,r=12$salt$digest`, where the salt is the key of the HMAC (no bare SHA-256,
which would let digests leaked elsewhere be tried directly). Every other secret makes a plain
`$2b$` hash that any program can verify.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Final

import bcrypt

from zenith.kernel.errors import ConfigurationError
from zenith.passwords.errors import UnusableHashError

MAX_SECRET_BYTES: Final = 72
MIN_ROUNDS: Final = 4
MAX_ROUNDS: Final = 16
"""A stored hash may not hold a worker for more than a few seconds."""
WEAK_ROUNDS: Final = 10

_PLAIN: Final = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}", re.ASCII)
_PREHASHED: Final = re.compile(
    r"\$bcrypt-sha256\$v=2,t=(2[aby]),r=(\d{1,2})\$([./A-Za-z0-9]{22})\$([./A-Za-z0-9]{31})",
    re.ASCII,
)
_PREHASHED_OLD: Final = re.compile(
    r"\$bcrypt-sha256\$(2[aby]),(\d{1,2})\$([./A-Za-z0-9]{22})\$([./A-Za-z0-9]{31})", re.ASCII
)
_DJANGO: Final = "bcrypt$"
_DJANGO_PREHASHED: Final = "bcrypt_sha256$"
_OWN: Final = "$bcrypt-sha256$"


class Bcrypt:
    """Makes `$2b$` hashes; verifies $2a$, $2b$, $2y$ and the pre-hashed forms of two others.

    `accept_truncated` verifies a secret longer than 72 bytes against a plain hash by its first 72
    bytes, as the program did that made the hash. Off, such a sign-in fails.
    """

    def __init__(self, *, rounds: int = 12, accept_truncated: bool = False) -> None:
        if not MIN_ROUNDS <= rounds <= MAX_ROUNDS:
            raise ConfigurationError(
                f"passwords.bcrypt_rounds {rounds} is out of range",
                fix=f"use {MIN_ROUNDS} to {MAX_ROUNDS}; 12 is usual",
            )
        self._rounds = rounds
        self._accept_truncated = accept_truncated

    def owns(self, hashed: str) -> bool:
        """Whether `hashed` is a bcrypt hash."""
        return hashed.startswith(("$2a$", "$2b$", "$2y$", _OWN, _DJANGO, _DJANGO_PREHASHED))

    def hash(self, secret: bytes) -> str:
        """A new hash: plain where bcrypt can take all of the secret, pre-hashed where not."""
        salt = bcrypt.gensalt(self._rounds)
        if _fits(secret):
            return bcrypt.hashpw(secret, salt).decode("ascii")
        key = salt[-22:]
        digest = bcrypt.hashpw(_keyed(secret, key), salt)[-31:].decode("ascii")
        return f"{_OWN}v=2,t=2b,r={self._rounds}${key.decode('ascii')}${digest}"

    def verify(self, secret: bytes, hashed: str) -> bool:
        """Whether `hashed` was made from `secret`; raises UnusableHashError if it is damaged."""
        if hashed.startswith(_OWN):
            return self._verify_prehashed(secret, hashed)
        if hashed.startswith(_DJANGO_PREHASHED):
            # Django's own form: the hex digest, 64 bytes without NUL.
            digest = hashlib.sha256(secret).hexdigest().encode("ascii")
            return _check(digest, hashed.removeprefix(_DJANGO_PREHASHED))
        plain = hashed.removeprefix(_DJANGO)
        if _fits(secret):
            return _check(secret, plain)
        # The cost is paid either way: time must not tell how long the password was.
        matches = _check(secret[:MAX_SECRET_BYTES], plain)
        return matches and self._accept_truncated

    def is_outdated(self, hashed: str, *, secret: bytes | None = None) -> bool:
        """Whether prefix, form or cost differ from today's, or `secret` is held only in part."""
        if hashed.startswith(_OWN):
            match = _PREHASHED.fullmatch(hashed)
            return match is None or (match[1], int(match[2])) != ("2b", self._rounds)
        truncated = secret is not None and not _fits(secret)
        return truncated or not hashed.startswith(f"$2b${self._rounds:02d}$")

    def _verify_prehashed(self, secret: bytes, hashed: str) -> bool:
        match = _PREHASHED.fullmatch(hashed)
        if match is not None:
            prehash = _keyed(secret, match[3].encode("ascii"))
        else:
            match = _PREHASHED_OLD.fullmatch(hashed)
            if match is None:
                raise UnusableHashError("the stored bcrypt hash is damaged")
            prehash = base64.b64encode(hashlib.sha256(secret).digest())
        kind, rounds, salt, digest = match.groups()
        return _check(prehash, f"${kind}${int(rounds):02d}${salt}{digest}")


def _fits(secret: bytes) -> bool:
    return len(secret) <= MAX_SECRET_BYTES and b"\0" not in secret


def _keyed(secret: bytes, key: bytes) -> bytes:
    return base64.b64encode(hmac.digest(key, secret, "sha256"))


def _check(secret: bytes, hashed: str) -> bool:
    match = _PLAIN.fullmatch(hashed)
    if match is None:
        raise UnusableHashError("the stored bcrypt hash is damaged")
    if not MIN_ROUNDS <= int(match[1]) <= MAX_ROUNDS:
        raise UnusableHashError("the stored bcrypt hash costs more or less than is allowed")
    try:
        return bcrypt.checkpw(secret, hashed.encode("ascii"))
    except ValueError:
        raise UnusableHashError("the stored bcrypt hash is damaged") from None
