"""Time-based one-time passwords (RFC 6238) over `cryptography`'s HOTP (RFC 4226)."""

from __future__ import annotations

import base64
import hmac
import secrets
from typing import Final
from urllib.parse import quote

from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

SECRET_BYTES: Final = 20
"""160 bits, as RFC 4226 section 4 (R6) recommends."""
DIGITS: Final = 6
PERIOD: Final = 30
DRIFT: Final = 1
"""Steps that a phone's clock may be ahead or behind (RFC 6238 section 5.2)."""


def new_secret() -> bytes:
    """A fresh secret from the operating system's generator."""
    return secrets.token_bytes(SECRET_BYTES)


def step_at(now: float) -> int:
    """The time step of a Unix time."""
    return int(now // PERIOD)


def code_at(
    secret: bytes,
    step: int,
    *,
    digits: int = DIGITS,
    algorithm: SHA1 | SHA256 | SHA512 | None = None,
) -> str:
    """The code of one time step."""
    return HOTP(secret, digits, algorithm or SHA1()).generate(step).decode()  # noqa: S303


def accepted_step(secret: bytes, code: str, *, now: float, last_step: int) -> int | None:
    """The step whose code this is, if it is newer than the last that was accepted.

    Threat: guessing, a code that was read over a shoulder and is used again, and a comparison that
    tells digits through time (ASVS 6.5.1, 6.5.5, 6.5.8). The caller advances `last_step` by one
    atomic statement. All candidates are always computed and compared.
    """
    presented = code.replace(" ", "").encode("utf-8", "surrogatepass")
    present = step_at(now)
    found = None
    for step in range(present - DRIFT, present + DRIFT + 1):
        matches = hmac.compare_digest(code_at(secret, step).encode(), presented)
        if matches and step > last_step and found is None:
            found = step
    return found


def base32(secret: bytes) -> str:
    """As people type it where no camera is at hand."""
    return base64.b32encode(secret).decode().rstrip("=")


def key_uri(secret: bytes, *, account: str, issuer: str) -> str:
    """The otpauth URI that authenticator apps read from a QR code."""
    label, name = quote(account, safe="@"), quote(issuer, safe="")
    return (
        f"otpauth://totp/{name}:{label}?secret={base32(secret)}&issuer={name}"
        f"&algorithm=SHA1&digits={DIGITS}&period={PERIOD}"
    )
