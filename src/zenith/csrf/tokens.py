"""The tokens: bound to a session by HMAC, masked anew each time they are shown."""

from __future__ import annotations

import binascii
import hmac
import secrets
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Final

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret, b64encode, check_strength, derive, equal, new_token, sign

PURPOSE: Final = "csrf"
SIZE: Final = 32
REMEMBERED: Final = 4096
"""Bindings whose HMAC is kept ready, for each secret."""
LENGTH: Final = 86
"""Characters of a token: pad and masked HMAC, 64 bytes in base64url."""
_URLSAFE: Final = bytes.maketrans(b"-_", b"+/")


class CsrfTokens:
    """Issues and verifies tokens.

    Threat: a page of another site that makes the browser send a change (ASVS 3.5.1), and one that
    learns a token from the size of compressed responses (BREACH). A token is an HMAC-SHA256 over
    what it is bound to, under a one-time pad, so that no two look alike. It needs no store and
    ends with the session it is bound to. The first secret signs, all verify.
    """

    __slots__ = ("_macs",)

    def __init__(self, secrets: Sequence[Secret]) -> None:
        if not secrets:
            raise ConfigurationError("csrf: no key was given", fix="pass at least one secret")
        # A form is rarely the only one of its session, and the HMAC is half of the guard's time.
        self._macs: Final = tuple(
            lru_cache(REMEMBERED)(partial(_mac, derive(secret, PURPOSE))) for secret in secrets
        )

    def issue(self, binding: str, *, pad: bytes) -> str:
        """A token for `binding`; `pad` is 32 fresh random bytes."""
        return b64encode(pad + _xor(pad, self._macs[0](binding)))

    def verify(self, token: str, *, binding: str) -> bool:
        """Whether `token` was issued for `binding`. Never raises, whatever the text."""
        if len(token) != LENGTH or not token.isascii():
            return False
        try:
            data = binascii.a2b_base64(token.encode().translate(_URLSAFE) + b"==", strict_mode=True)
        except binascii.Error:
            return False
        proof = _xor(data[:SIZE], data[SIZE:])
        return any(hmac.compare_digest(proof, mac(binding)) for mac in self._macs)


class CSRFProtection:
    """The synchronizer token by hand: `generate_token()` goes into the session and into the form.

    Threat: as for CsrfTokens (ASVS 3.5.1). Tokens are signed, so that a value planted in the
    session by other means is refused. Prefer CsrfGuard: it needs no such code and masks tokens.
    Raises ConfigurationError for a weak `secret_key`.
    """

    __slots__ = ("_key",)

    def __init__(self, secret_key: str | Secret) -> None:
        secret = secret_key if isinstance(secret_key, Secret) else Secret(secret_key)
        check_strength(secret, setting="secret_key")
        self._key: Final = derive(secret, f"{PURPOSE}/synchronizer")

    def generate_token(self) -> str:
        """A fresh token: 256 random bits and their HMAC."""
        value = new_token()
        return f"{value}.{sign(self._key, value)}"

    def validate_token(self, token: str, session_token: str) -> bool:
        """Whether the form's `token` is the session's and one of ours. Never raises for text."""
        value, _, signature = session_token.partition(".")
        known = bool(value) and equal(signature, sign(self._key, value))
        return equal(token, session_token) and known


def new_pad() -> bytes:
    """Fresh random bytes for one token."""
    return secrets.token_bytes(SIZE)


def _mac(key: bytes, binding: str) -> bytes:
    return hmac.digest(key, binding.encode("utf-8", "surrogatepass"), "sha256")


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(SIZE, "big")
