"""How a key is written: `zk_`, a name, a secret, a checksum.

    zk_ NNNNNNNNNNNN SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS CCCCCC
        12: lookup   43: secret, 256 bits                        6: CRC-32

All of `[0-9A-Za-z]`, so that a double click marks all of it and no place needs to escape it. The
checksum is the CRC-32 (as zlib and PNG have it) of all that stands before it, in base 62 with
leading zeros. It is no protection: it lets scanners of repositories and logs tell a leaked key
from a word, and lets us refuse a mistyped one without asking the database.
"""

from __future__ import annotations

import re
import secrets
import zlib
from collections.abc import Callable
from typing import Final

PREFIX: Final = "zk_"
LOOKUP_LENGTH: Final = 12
SECRET_LENGTH: Final = 43
CHECKSUM_LENGTH: Final = 6
NAME_LENGTH: Final = len(PREFIX) + LOOKUP_LENGTH
LENGTH: Final = NAME_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH
DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
KEY_PATTERN: Final = rf"{PREFIX}[0-9A-Za-z]{{{LENGTH - len(PREFIX)}}}"
"""The regular expression for scanners; a hit is certain once its checksum is right."""
_KEY: Final = re.compile(KEY_PATTERN, re.ASCII)
_KEY_BYTES: Final = re.compile(KEY_PATTERN.encode("ascii"))


def new_key(random_below: Callable[[int], int] = secrets.randbelow) -> str:
    """A key of more than 256 random bits besides its name (ASVS 11.5.1)."""
    name = _base62(random_below(62**LOOKUP_LENGTH), LOOKUP_LENGTH)
    secret = _base62(random_below(62**SECRET_LENGTH), SECRET_LENGTH)
    body = f"{PREFIX}{name}{secret}"
    return body + checksum(body)


def checksum(body: str) -> str:
    """CRC-32 of `body` in base 62."""
    return _base62(zlib.crc32(body.encode("ascii")), CHECKSUM_LENGTH)


def is_key(text: str) -> bool:
    """Whether `text` is written like a key and its checksum is right; never raises."""
    return (
        _KEY.fullmatch(text) is not None
        and checksum(text[:-CHECKSUM_LENGTH]) == (text[-CHECKSUM_LENGTH:])
    )


def lookup_of(key: str) -> str:
    """The part by which a key is found and called: no secret, and shown to its owner."""
    return key[:NAME_LENGTH]


def holds_key(raw: bytes) -> bool:
    """Whether a key stands anywhere in `raw`."""
    return any(is_key(found.decode("ascii")) for found in _KEY_BYTES.findall(raw))


def _base62(number: int, width: int) -> str:
    digits: list[str] = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(DIGITS[digit])
    return "".join(reversed(digits))
