"""Devices on which an account has signed in before.

Threat: somebody fails sign-ins on purpose until the limit per account keeps its owner out
(ASVS 6.3.1). A device that the owner has used before counts for itself, so strangers' failures
cannot use up the owner's attempts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from zenith.kernel.keys import Secret, derive, digest, equal, new_token, sign

LIFETIME: Final = 180 * 24 * 60 * 60
"""Seconds for which a browser keeps the device cookie."""
MAX_LENGTH: Final = 128
_NAME: Final = "zenith-device"


def device_cookie_name(*, secure: bool) -> str:
    """Name of the cookie by which a device is known; `secure` as for the session's."""
    return f"__Host-{_NAME}" if secure else _NAME


class KnownDevices:
    """Issues and recognises device cookies. The cookie proves no identity and opens nothing."""

    def __init__(self, secrets: Sequence[Secret]) -> None:
        self._keys: Final = [derive(secret, "accounts/device") for secret in secrets]

    def issue(self, email_key: str) -> str:
        """A cookie value for a device on which the account has just signed in."""
        device = new_token(16)
        return f"{device}.{sign(self._keys[0], f'{device}.{email_key}')}"

    def recognise(self, value: str, email_key: str) -> str | None:
        """A stable name of the device if the account has signed in on it, else None."""
        device, _, mac = value[:MAX_LENGTH].partition(".")
        for key in self._keys:
            if mac and equal(mac, sign(key, f"{device}.{email_key}")):
                return digest(device)
        return None
