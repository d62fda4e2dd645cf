"""Devices on which an account has signed in before.

Threat: somebody fails sign-ins on purpose until the limits of the account keep its owner out
(ASVS 6.3.1). A device that the owner has used before counts for itself, so strangers' failures
cannot use up the owner's attempts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from zenith.accounts.store import Account
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.keys import Secret, derive, digest, equal, new_token, sign

LIFETIME: Final = 180 * 24 * 60 * 60
"""Seconds for which a device is known, by the browser's clock and by ours."""
NOBODY: Final = Account(id="", email="", email_key="", created_at=0.0)
_NAME: Final = "zenith-device"
_FORM: Final = re.compile(r"([A-Za-z0-9_-]{22})\.([0-9]{1,12})\.([A-Za-z0-9_-]{43})", re.ASCII)


def device_cookie_name(*, secure: bool) -> str:
    """Name of the cookie by which a device is known; `secure` as for the session's."""
    return f"__Host-{_NAME}" if secure else _NAME


def device_cookie(value: str, *, secure: bool) -> str:
    """Set-Cookie for a device on which an account has just signed in."""
    flags = "; Secure" if secure else ""
    name = device_cookie_name(secure=secure)
    return f"{name}={value}; Path=/; Max-Age={LIFETIME}; HttpOnly; SameSite=Lax{flags}"


class KnownDevices:
    """Issues and recognises device cookies. The cookie proves no identity and opens nothing.

    It holds for `LIFETIME` from its issue and until the password is changed, whatever the browser
    does with it: whoever copied it while he knew the old password is a stranger again.
    """

    def __init__(self, secrets: Sequence[Secret], *, clock: Clock = wall_clock) -> None:
        self._keys: Final = [derive(secret, "accounts/device") for secret in secrets]
        self._clock: Final = clock

    def issue(self, account: Account) -> str:
        """A cookie value for a device on which `account` has just signed in."""
        device, issued = new_token(16), str(int(self._clock()))
        return f"{device}.{issued}.{sign(self._keys[0], _message(device, issued, account))}"

    def recognise(self, value: str, account: Account | None, *, since: float = 0.0) -> str | None:
        """A stable name of the device if the account has signed in on it, at the Unix time `since`
        or later, else None.

        It takes the same time where there is no account.
        """
        match = _FORM.fullmatch(value)
        if match is None:
            return None
        device, issued, mac = match.groups()
        message = _message(device, issued, account or NOBODY)
        is_ours = any([equal(mac, sign(key, message)) for key in self._keys])  # noqa: C419
        is_recent = 0 <= self._clock() - int(issued) + 1 <= LIFETIME
        is_known = is_ours and is_recent and int(issued) >= int(since)
        return digest(device) if is_known and account is not None else None


def _message(device: str, issued: str, account: Account) -> str:
    return f"{device}.{issued}.{account.id}.{account.password_changed_at!r}"
