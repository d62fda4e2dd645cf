"""From text to bytes: passwords before they are hashed, and the parts of stored hashes."""

from __future__ import annotations

import base64
import binascii
import unicodedata
from typing import Final

from zenith.passwords.errors import UnusableHashError

NORMAL_FORM: Final = "NFC"


def normalize(password: str) -> str:
    """The one spelling of a password, whatever keyboard it was typed on.

    NFC joins what Unicode holds to be the same character (`e` and an accent, or `é` as one), as
    NIST SP 800-63B-4 section 3.1.1.2 and the OpaqueString profile of RFC 8265 ask. It is not
    NFKC, which would also make different characters equal. Nothing is trimmed, cut or re-cased
    (ASVS 6.2.8).
    """
    return unicodedata.normalize(NORMAL_FORM, password)


def encode(password: str, *, max_bytes: int) -> tuple[bytes, ...]:
    """What may have been hashed: the normal form first, then the raw text where that differs.

    Empty if the password is none: no text at all, more than `max_bytes` bytes of UTF-8, or with
    half a surrogate pair. The raw text matters for hashes made by programs that did not normalise.
    """
    if not 0 < len(password) <= max_bytes:
        return ()
    normal = normalize(password)
    spellings = (normal,) if normal == password else (normal, password)
    try:
        encoded = tuple(spelling.encode("utf-8") for spelling in spellings)
    except UnicodeEncodeError:
        return ()
    return encoded if max(map(len, encoded)) <= max_bytes else ()


def b64(text: str, *, kind: str) -> bytes:
    """Standard base64, with or without padding; raises UnusableHashError."""
    bare = text.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except binascii.Error:
        raise UnusableHashError(f"the stored {kind} hash is damaged") from None


def hexadecimal(text: str, *, kind: str) -> bytes:
    """Hex digits; raises UnusableHashError."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise UnusableHashError(f"the stored {kind} hash is damaged") from None
