"""The format of encrypted values: parts in order, and the text form. No cryptography here.

See docs/explanation/encryption.md, which shows it byte by byte.
"""

from __future__ import annotations

import binascii
from typing import Final

from zenith.encryption.errors import DecryptionError

VERSION: Final = b"\x01"
ID_END: Final = 5
SALT_BYTES: Final = 8
HEADER: Final = 13
"""Bytes of version, key id and salt."""
NONCE_END: Final = 25
TAG_BYTES: Final = 16
OVERHEAD: Final = NONCE_END + TAG_BYTES
MAX_PLAIN: Final = 16 * 1024 * 1024
"""Bytes of one value; what is larger is a stream."""
MARK: Final = "ze1."
"""Begins the text form, so that it is recognized wherever it turns up."""
MAX_TAG_TEXT: Final = 43
MAX_TEXT: Final = MAX_TAG_TEXT + len(MARK) + (MAX_PLAIN + OVERHEAD + 2) // 3 * 4

_TO_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
# What is not of the URL-safe alphabet becomes a character that is of none.
_FROM_URL_SAFE: Final = bytes.maketrans(b"-_+/=\n\r ", b"+/!!!!!!")
_PADDING: Final = (b"", b"", b"==", b"=")
_LAST: Final = (
    frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
    frozenset[int](),
    frozenset(b"AQgw"),
    frozenset(b"AEIMQUYcgkosw048"),
)
"""By the length modulo 4: the last characters whose unused bits are zero."""


def header(key_id: bytes, salt: bytes) -> bytes:
    """What a value begins with."""
    return VERSION + key_id + salt


def to_text(sealed: bytes, tag: str = "") -> str:
    """The text form, behind the blind index if there is one."""
    return f"{tag}{MARK}{encode(sealed)}"


def from_text(text: str) -> tuple[str, bytes]:
    """The blind index and the value; raises DecryptionError for any other text.

    Strict: one value has one text form, so no changed character goes unseen.
    """
    if len(text) > MAX_TEXT:
        raise DecryptionError
    if text[:4] == MARK:
        return "", decode(text[4:])
    tag, mark, body = text.partition(MARK)
    if not mark or len(tag) > MAX_TAG_TEXT:
        raise DecryptionError
    return tag, decode(body)


def encode(data: bytes) -> str:
    """Base64url without padding (RFC 4648 section 5)."""
    encoded = binascii.b2a_base64(data, newline=False).translate(_TO_URL_SAFE)
    return encoded.rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """What `encode` made; raises DecryptionError for anything else (RFC 4648 section 3.5)."""
    try:
        data = text.encode("ascii")
        rest = len(data) % 4
        if not data or data[-1] not in _LAST[rest]:
            raise DecryptionError
        padded = data.translate(_FROM_URL_SAFE) + _PADDING[rest]
        return binascii.a2b_base64(padded, strict_mode=True)
    except ValueError:
        raise DecryptionError from None
