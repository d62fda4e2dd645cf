"""Base64url in its one canonical spelling (RFC 7515 section 2, RFC 4648 section 3.5).

Lenient decoders read many texts as the same bytes: with padding, white space, the plain alphabet or
other trailing bits. Then one token has many spellings, and a list of revoked or seen texts is
passed by. Here only what an encoder writes is read.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from typing import Final

ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
# Whatever is not in the alphabet becomes something that strict decoding refuses.
_REFUSED: Final = ord("!")
_FROM_URL: Final = bytes(
    octet if octet in ALPHABET else _REFUSED for octet in range(256)
).translate(bytes.maketrans(b"-_", b"+/"))
# By length modulo 4: the padding, and the last characters whose unused bits are zero.
_PADDING: Final = (b"", b"", b"==", b"=")
_LAST: Final = (b"", b"", b"AQgw", b"AEIMQUYcgkosw048")


def encode(raw: bytes) -> bytes:
    """`raw` in base64url without padding."""
    return b2a_base64(raw, newline=False).translate(_TO_URL, b"=")


def decode(text: bytes) -> bytes:
    """The bytes that `text` stands for; ValueError for any but the canonical spelling."""
    rest = len(text) & 3
    if rest and text[-1] not in _LAST[rest]:
        raise ValueError("not canonical base64url")
    return a2b_base64(text.translate(_FROM_URL) + _PADDING[rest], strict_mode=True)
