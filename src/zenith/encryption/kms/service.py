"""What a key management service does here, and how its refusals are told."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from zenith.kernel.errors import ConfigurationError

SECONDS: Final = 10.0
ATTEMPTS: Final = 3
PURPOSE: Final = "zenith/encryption/key/1"
"""What all that is wrapped here is for, beside the deployment's own context."""
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class KeyService(Protocol):
    """Encrypts some bytes under a key that stays where it is.

    Both methods raise ConfigurationError where the service does not answer, refuses, or answers
    what fails a check; `decrypt` raises DecryptionError for what was not encrypted under this key
    and for this deployment.
    """

    @property
    def name(self) -> str:
        """What it is called in errors: no secret."""
        ...

    async def encrypt(self, plain: bytes) -> bytes:
        """Encrypt at most 64 bytes."""
        ...

    async def decrypt(self, sealed: bytes) -> bytes:
        """What `encrypt` was given."""
        ...


def failed(name: str, how: str) -> ConfigurationError:
    """The one error for a service that cannot be used. What it answered is repeated nowhere: it
    may hold what was asked (ASVS 16.5.1).
    """
    return ConfigurationError(
        f"the key management service {name} {how}",
        fix="look at its own log, at this deployment's right to use the key, and at the network",
    )


def bound(context: str) -> bytes:
    """The associated data that binds to a deployment."""
    return f"{PURPOSE}\0{context}".encode()


def checked_url(url: str, *, setting: str) -> str:
    """A URL without its last slash; raises ConfigurationError for one that is not encrypted, unless
    it stays on this machine.
    """
    parts = urlsplit(url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not is_safe or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ConfigurationError(
            f"{setting} is no address of a key management service",
            fix="write https://, the host and the path, and nothing else",
        )
    return url.rstrip("/")


def member(answer: Any, name: str, service: str) -> str:
    """A text of an answer; raises ConfigurationError where there is none."""
    held: Any = answer
    found: object = held.get(name) if isinstance(answer, dict) else None
    if not isinstance(found, str):
        raise failed(service, "answers without what was asked for")
    return found


def data_of(text: str, service: str) -> bytes:
    """Base64 of either alphabet, padded or not; raises ConfigurationError for others."""
    plain = text.translate({ord("-"): "+", ord("_"): "/"}).rstrip("=")
    try:
        return binascii.a2b_base64(plain + "=" * (-len(plain) % 4), strict_mode=True)
    except ValueError:
        raise failed(service, "answers what is no base64") from None


def text_of(data: bytes) -> str:
    """Base64 (RFC 4648 section 4)."""
    return base64.b64encode(data).decode("ascii")
