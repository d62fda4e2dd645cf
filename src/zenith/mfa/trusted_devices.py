"""Devices on which the second factor is not asked for again for a while."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from zenith.accounts import TRUST_COOKIE, Account, Client, password_state
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.events import EventSink, EventType
from zenith.kernel.keys import digest, new_id, new_token
from zenith.kernel.one_step import one_step
from zenith.mfa.settings import MfaSettings
from zenith.mfa.store import TrustedDevice, TrustedDeviceStore

MAX_DEVICES: Final = 20
"""Per account; the oldest makes room."""
TRUSTED_DEVICE: Final = "trusted_device"


class TrustedDevices:
    """Issues and recognises the cookie of a trusted device.

    Threat: a second factor that is skipped on somebody else's device (ASVS 6.3.3). The cookie is
    256 random bits of which only the SHA-256 is kept, it counts for one account and beside its
    password only, ends by itself, and a change of password or factors voids all of them.
    """

    def __init__(
        self,
        store: TrustedDeviceStore,
        settings: MfaSettings,
        *,
        events: EventSink,
        clock: Clock = wall_clock,
    ) -> None:
        self._store: Final = store
        self._settings: Final = settings
        self._events: Final = events
        self._clock: Final = clock

    @property
    def is_offered(self) -> bool:
        """Whether devices can be trusted at all."""
        return self._settings.trusted_device_lifetime > 0

    @property
    def days(self) -> int:
        """For how long, as people are told."""
        return max(1, round(self._settings.trusted_device_lifetime / (24 * 60 * 60)))

    async def trust(self, account: Account, client: Client) -> str:
        """A cookie value for the device on which the account has just proven a second factor."""
        value, now = new_token(), self._clock()
        device = TrustedDevice(
            id=new_id(),
            account_id=account.id,
            digest=digest(value),
            password_state=password_state(account),
            created_at=now,
            expires_at=now + self._settings.trusted_device_lifetime,
            last_used_at=now,
            address=client.address,
            user_agent=client.user_agent,
        )
        event = client.event(
            EventType.DEVICE_TRUSTED, "success", at=now, subject=account.id, target=device.id
        )
        async with one_step():
            await self._store.trust(device, keep=MAX_DEVICES)
            await self._events.record(event)
        return value

    async def recognise(self, account: Account, client: Client) -> bool:
        """Whether the client sent the cookie of a device that this account trusts."""
        if not client.trust or not self.is_offered:
            return False
        return await self._store.use_trusted(
            digest(client.trust),
            account_id=account.id,
            password_state=password_state(account),
            now=self._clock(),
        )

    async def list(self, account: Account) -> Sequence[TrustedDevice]:
        """Those that count now."""
        return await self._store.trusted_of(
            account.id, password_state=password_state(account), now=self._clock()
        )

    async def end(self, account_id: str, device_id: str | None, *, client: Client) -> bool:
        """Trust one device, or all of them, no more; False if there was none."""
        event = client.event(
            EventType.DEVICE_DISTRUSTED,
            "success",
            at=self._clock(),
            subject=account_id,
            target=device_id,
        )
        async with one_step():
            ended = await self._store.distrust(account_id, device_id)
            if ended:
                await self._events.record(event)
        return ended > 0

    def cookie(self, value: str, *, secure: bool) -> str:
        """Set-Cookie for a trusted device (ASVS 3.3.1 to 3.3.4)."""
        name = f"__Host-{TRUST_COOKIE}" if secure else TRUST_COOKIE
        lifetime = int(self._settings.trusted_device_lifetime)
        flags = "; Secure" if secure else ""
        return f"{name}={value}; Path=/; Max-Age={lifetime}; HttpOnly; SameSite=Lax{flags}"
