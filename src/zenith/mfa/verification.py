"""Which second factor is due, and whether it is proven."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from zenith.accounts import Account, Client, Due, InvalidFactorError, KnownDevices
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.events import EventSink, EventType
from zenith.kernel.one_step import one_step
from zenith.kernel.sealing import Sealer
from zenith.mfa.attempts import FactorAttempts
from zenith.mfa.passkeys import Passkeys
from zenith.mfa.recovery_codes import code_digest
from zenith.mfa.store import FactorStore
from zenith.mfa.totp import accepted_step
from zenith.mfa.trusted_devices import TRUSTED_DEVICE, TrustedDevices

SECOND_FACTORS: Final = ("passkey", "totp", "recovery_code")
"""Factors beyond a password, the safest first."""


class FactorVerification:
    """The `SecondFactors` of accounts: what is due, and the proof.

    Threat: the second step skipped, codes guessed or used twice (ASVS 6.3.3, 6.5.1, 6.5.5, 6.6.3).
    Attempts count per account and are charged before a code is looked at; on a device where the
    owner has signed in before they count for that device alone, so that a thief of the password
    cannot keep the owner out.
    """

    def __init__(
        self,
        *,
        store: FactorStore,
        sealer: Sealer,
        passkeys: Passkeys | None,
        trusted: TrustedDevices,
        attempts: FactorAttempts,
        devices: KnownDevices,
        events: EventSink,
        clock: Clock = wall_clock,
    ) -> None:
        self._store: Final = store
        self._sealer: Final = sealer
        self._passkeys: Final = passkeys
        self._trusted: Final = trusted
        self._attempts: Final = attempts
        self._devices: Final = devices
        self._events: Final = events
        self._clock: Final = clock

    async def due(self, account: Account, factors: Mapping[str, float], client: Client) -> Due:
        """Any one of the account's second factors, unless one is proven or the device is trusted.

        What the account has is due even where this application cannot verify it any more, such as
        passkeys after they were turned off: an account is never opened by taking a part away.
        """
        if any(kind in factors for kind in SECOND_FACTORS):
            return Due()
        kinds = (await self._store.counts(account.id)).kinds
        if not kinds:
            return Due()
        if await self._trusted.recognise(account, client):
            return Due(proven={TRUSTED_DEVICE: self._clock()})
        return Due(kinds=kinds)

    async def verify(
        self, account: Account, kind: str, proof: str, *, client: Client, binding: str
    ) -> Mapping[str, float]:
        """The factor that `proof` proves now. Raises InvalidFactorError and RateLimitError."""
        if kind == "totp":
            await self._verify_totp(account, proof, client)
        elif kind == "recovery_code":
            await self._charge(account, client)
            await self._spend_recovery_code(account, proof, client)
        elif kind == "passkey" and self._passkeys is not None:
            await self._passkeys.verify_factor(account.id, proof, binding=binding, client=client)
        else:
            raise InvalidFactorError(reason="a factor that cannot be verified here")
        return {kind: self._clock()}

    async def _charge(self, account: Account, client: Client, *, since: float = 0.0) -> None:
        """Threat: a thief of the password who signed in, over and over, before there was a second
        factor: each time made him a device with tries of its own. Those count that signed in
        `since`, with the factor.
        """
        device = self._devices.recognise(client.device, account, since=since)
        kind, key = ("account", account.id) if device is None else ("device", device)
        await self._attempts.charge(kind, key)

    async def _verify_totp(self, account: Account, code: str, client: Client) -> None:
        record = await self._store.totp_of(account.id)
        await self._charge(account, client, since=0.0 if record is None else record.created_at)
        if record is None:
            raise InvalidFactorError(reason="no authenticator app")
        opened = self._sealer.open(record.secret, row=totp_row(account.id))
        if opened is None:
            raise InvalidFactorError(reason="the app's secret cannot be opened: is a key missing?")
        secret, fresh = opened
        now = self._clock()
        step = accepted_step(secret, code, now=now, last_step=record.last_step)
        if step is None or not await self._store.advance_totp(record, step=step, now=now):
            raise InvalidFactorError(reason="wrong or used code")
        if not fresh:
            sealed = self._sealer.seal(secret, row=totp_row(account.id))
            await self._store.reseal_totp(record, sealed)

    async def _spend_recovery_code(self, account: Account, code: str, client: Client) -> None:
        async with one_step():
            if not await self._store.spend_recovery_code(account.id, code_digest(account.id, code)):
                raise InvalidFactorError(reason="wrong or used recovery code")
            await self._events.record(
                client.event(
                    EventType.RECOVERY_CODE_USED,
                    "success",
                    at=self._clock(),
                    subject=account.id,
                    severity="WARNING",
                )
            )


class FactorProof:
    """One kind of second factor for step-up: a `FactorCheck`."""

    def __init__(self, kind: str, *, store: FactorStore, verification: FactorVerification) -> None:
        self._kind: Final = kind
        self._store: Final = store
        self._verification: Final = verification

    async def is_held(self, account: Account) -> bool:
        """Whether the account has one."""
        return self._kind in (await self._store.counts(account.id)).kinds

    async def verify(self, account: Account, proof: str, client: Client) -> bool:
        """Whether `proof` proves it now; a code or challenge is spent by this."""
        try:
            await self._verification.verify(
                account, self._kind, proof, client=client, binding=account.id
            )
        except InvalidFactorError:
            return False
        return True


def totp_row(account_id: str) -> str:
    """What an app's sealed secret is bound to."""
    return f"zenith_totp/{account_id}/secret"
