"""Second factors in process memory: one store for all that they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from zenith.mfa import FactorCounts, PasskeyRecord, TotpRecord, TrustedDevice


class MemoryFactorStore:
    """Keeps what FactorStore, PasskeyStore, TrustedDeviceStore and ChallengeStore ask for, until
    the process ends.
    """

    def __init__(self) -> None:
        self._totp: dict[str, TotpRecord] = {}
        self._codes: dict[str, set[str]] = {}
        self._passkeys: dict[str, PasskeyRecord] = {}
        self._devices: dict[str, TrustedDevice] = {}
        self._spent: dict[str, float] = {}

    async def counts(self, account_id: str) -> FactorCounts:
        """What the account has."""
        return FactorCounts(
            totp=account_id in self._totp,
            passkeys=len(await self.passkeys_of(account_id)),
            recovery_codes=len(self._codes.get(account_id, ())),
        )

    async def totp_of(self, account_id: str) -> TotpRecord | None:
        """The account's authenticator app."""
        return self._totp.get(account_id)

    async def add_totp(self, record: TotpRecord) -> bool:
        """Store it; False if the account has one."""
        if record.account_id in self._totp:
            return False
        self._totp[record.account_id] = record
        self._end_trust(record.account_id)
        return True

    async def advance_totp(self, record: TotpRecord, *, step: int, now: float) -> bool:
        """Accept the code of `step`, once."""
        held = self._totp.get(record.account_id)
        if held is None or held.secret != record.secret or held.last_step >= step:
            return False
        self._totp[record.account_id] = replace(held, last_step=step, last_used_at=now)
        return True

    async def reseal_totp(self, record: TotpRecord, secret: str) -> bool:
        """Replace the sealed secret if it is still the record's."""
        held = self._totp.get(record.account_id)
        if held is None or held.secret != record.secret:
            return False
        self._totp[record.account_id] = replace(held, secret=secret)
        return True

    async def remove_totp(self, account_id: str) -> bool:
        """Remove the app; False if there was none."""
        if self._totp.pop(account_id, None) is None:
            return False
        self._after_removal(account_id)
        return True

    async def set_recovery_codes(
        self, account_id: str, digests: Sequence[str], *, only_first: bool = False
    ) -> bool:
        """Replace all codes."""
        if only_first and self._codes.get(account_id):
            return False
        self._codes[account_id] = set(digests)
        self._end_trust(account_id)
        return True

    async def spend_recovery_code(self, account_id: str, digest: str) -> bool:
        """Remove the code, once."""
        codes = self._codes.get(account_id, set())
        if digest not in codes:
            return False
        codes.remove(digest)
        return True

    async def remove_all(self, account_id: str) -> bool:
        """Remove every factor; False if there was none."""
        held = await self.counts(account_id)
        self._totp.pop(account_id, None)
        self._codes.pop(account_id, None)
        for record in await self.passkeys_of(account_id):
            del self._passkeys[record.id]
        self._end_trust(account_id)
        return held != FactorCounts()

    async def demote_passkeys(self, account_id: str) -> bool:
        """Let the passkeys open nothing alone from now on; False if none did."""
        alone = [each for each in await self.passkeys_of(account_id) if not each.second_only]
        for record in alone:
            self._passkeys[record.id] = replace(record, second_only=True)
        return bool(alone)

    async def remove_since(self, account_id: str, since: float) -> bool:
        """Remove what was added at `since` or later; passkeys that stay open nothing alone."""
        held = await self.counts(account_id), await self.passkeys_of(account_id)
        app = self._totp.get(account_id)
        if app is not None and app.created_at >= since:
            del self._totp[account_id]
        self._codes.pop(account_id, None)
        for record in await self.passkeys_of(account_id):
            if record.created_at >= since:
                del self._passkeys[record.id]
            else:
                self._passkeys[record.id] = replace(record, second_only=True)
        self._end_trust(account_id)
        return held != (await self.counts(account_id), await self.passkeys_of(account_id))

    async def add_passkey(self, record: PasskeyRecord, *, limit: int) -> str:
        """`added`, `exists` or `full`."""
        if len(await self.passkeys_of(record.account_id)) >= limit:
            return "full"
        if await self.passkey(record.credential_id) is not None:
            return "exists"
        self._passkeys[record.id] = record
        self._end_trust(record.account_id)
        return "added"

    async def passkeys_of(self, account_id: str) -> Sequence[PasskeyRecord]:
        """The account's, oldest first."""
        held = [each for each in self._passkeys.values() if each.account_id == account_id]
        return sorted(held, key=lambda each: (each.created_at, each.id))

    async def passkey(self, credential_id: str) -> PasskeyRecord | None:
        """The one with this credential id."""
        found = (each for each in self._passkeys.values() if each.credential_id == credential_id)
        return next(found, None)

    async def use_passkey(
        self, passkey_id: str, *, sign_count: int, backed_up: bool, now: float
    ) -> bool:
        """Note use; False unless the count grew, or is and was zero."""
        held = self._passkeys.get(passkey_id)
        if held is None or not (held.sign_count < sign_count or held.sign_count == sign_count == 0):
            return False
        self._passkeys[passkey_id] = replace(
            held, sign_count=sign_count, backed_up=backed_up, last_used_at=now
        )
        return True

    async def rename_passkey(self, account_id: str, passkey_id: str, name: str) -> bool:
        """Name it; False if the account has none with this id."""
        held = self._passkeys.get(passkey_id)
        if held is None or held.account_id != account_id:
            return False
        self._passkeys[passkey_id] = replace(held, name=name)
        return True

    async def remove_passkey(self, account_id: str, passkey_id: str) -> bool:
        """Remove it; False if the account has none with this id."""
        held = self._passkeys.get(passkey_id)
        if held is None or held.account_id != account_id:
            return False
        del self._passkeys[passkey_id]
        self._after_removal(account_id)
        return True

    async def trust(self, device: TrustedDevice, *, keep: int) -> None:
        """Store it; of the account's the newest `keep` remain."""
        self._devices[device.id] = device
        held = [each for each in self._devices.values() if each.account_id == device.account_id]
        held.sort(key=lambda each: (-each.created_at, each.id))
        for old in held[keep:]:
            del self._devices[old.id]

    async def use_trusted(
        self, digest: str, *, account_id: str, password_state: str, now: float
    ) -> bool:
        """Note use; False unless it counts for this account now."""
        for held in await self.trusted_of(account_id, password_state=password_state, now=now):
            if held.digest == digest:
                self._devices[held.id] = replace(held, last_used_at=now)
                return True
        return False

    async def trusted_of(
        self, account_id: str, *, password_state: str, now: float
    ) -> Sequence[TrustedDevice]:
        """Those that still count, newest use first."""
        held = [
            each
            for each in self._devices.values()
            if each.account_id == account_id
            and each.password_state == password_state
            and each.expires_at > now
        ]
        return sorted(held, key=lambda each: (-each.last_used_at, each.id))

    async def distrust(self, account_id: str, device_id: str | None = None) -> int:
        """Remove one, or all; how many there were."""
        held = [
            each.id
            for each in self._devices.values()
            if each.account_id == account_id and device_id in (None, each.id)
        ]
        for known in held:
            del self._devices[known]
        return len(held)

    async def spend(self, digest: str, *, expires_at: float) -> bool:
        """Remember a challenge; True once."""
        if digest in self._spent:
            return False
        self._spent[digest] = expires_at
        return True

    async def prune(self, *, now: float) -> int:
        """Forget what has expired; how many there were."""
        spent = [digest for digest, end in self._spent.items() if end <= now]
        for digest in spent:
            del self._spent[digest]
        devices = [known for known, held in self._devices.items() if held.expires_at <= now]
        for known in devices:
            del self._devices[known]
        return len(spent) + len(devices)

    def _end_trust(self, account_id: str) -> None:
        for known in [each.id for each in self._devices.values() if each.account_id == account_id]:
            del self._devices[known]

    def _after_removal(self, account_id: str) -> None:
        self._end_trust(account_id)
        keys = any(each.account_id == account_id for each in self._passkeys.values())
        if account_id not in self._totp and not keys:
            self._codes.pop(account_id, None)
