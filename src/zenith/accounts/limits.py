"""How often credentials may be tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from zenith.accounts.client import Client
from zenith.accounts.devices import KnownDevices
from zenith.accounts.settings import AccountSettings
from zenith.kernel.keys import digest
from zenith.kernel.network import client_key
from zenith.rate_limits import Limit, RateLimiter
from zenith.rate_limits.limit import parse_limits


class AttemptLimits:
    """Slows down guessing without locking anybody out.

    Threat: password guessing and stuffing (ASVS 6.3.1), and its reverse: failing on purpose until
    the owner is kept out. Attempts count per address and per account; on a device where the owner
    has signed in before they count for that device alone, so that neither strangers far away nor
    neighbours behind the same address can use them up.
    """

    def __init__(
        self, limiter: RateLimiter, devices: KnownDevices, settings: AccountSettings
    ) -> None:
        self._limiter: Final = limiter
        self._devices: Final = devices
        self._sign_in: Final = parse_limits(settings.sign_in_limit)
        self._register: Final = parse_limits(settings.register_limit)

    async def admit_sign_in(self, client: Client, email_key: str) -> None:
        """Count an attempt; raises RateLimitError when there were too many."""
        keys = {"address": client_key(client.address)}
        device = self._devices.recognise(client.device, email_key) if email_key else None
        if device is not None:
            keys = {"device": device}
        elif email_key:
            keys["account"] = digest(email_key)
        await self._require("sign-in", keys, self._sign_in)

    async def admit_password_check(self, client: Client, account_id: str) -> None:
        """Count an attempt to prove the password while signed in."""
        keys = {"address": client_key(client.address), "account": account_id}
        await self._require("password", keys, self._sign_in)

    async def admit_registration(self, client: Client) -> None:
        """Count a registration."""
        await self._require("register", {"address": client_key(client.address)}, self._register)

    async def _require(self, name: str, keys: Mapping[str, str], limits: tuple[Limit, ...]) -> None:
        await self._limiter.require(name, keys=keys, limits=limits)
