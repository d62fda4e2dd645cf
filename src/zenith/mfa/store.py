"""What second factors need from stores. Times are Unix times in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from zenith.kernel.records import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class TotpRecord:
    """An authenticator app."""

    account_id: str
    secret: str
    """Sealed."""
    last_step: int
    """The newest time step whose code was accepted."""
    created_at: float
    last_used_at: float | None = None

    def __repr__(self) -> str:
        return f"TotpRecord(account_id={self.account_id!r})"


@dataclass(frozen=True, kw_only=True, slots=True)
class PasskeyRecord:
    """A passkey's public half."""

    id: str
    """Ours, for pages; the authenticator's own is `credential_id`."""
    account_id: str
    credential_id: str
    """Base64url; unique."""
    public_key: str
    """COSE key, base64url."""
    sign_count: int
    transports: tuple[str, ...] = ()
    name: str
    aaguid: str
    """Model of the authenticator; zeros where it does not tell."""
    backup_eligible: bool
    """Whether it may be copied to other devices of its owner (WebAuthn section 6.1.3)."""
    backed_up: bool
    created_at: float
    last_used_at: float | None = None
    second_only: bool = False
    """Whether it opens nothing by itself any more: it is older than the theft of its account seemed
    to be, and whose it is, only the owner knows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustedDevice:
    """A browser that need not prove a second factor for a while."""

    id: str
    account_id: str
    digest: str
    """SHA-256 of the cookie."""
    password_state: str
    created_at: float
    expires_at: float
    last_used_at: float
    address: str = ""
    user_agent: str = ""

    def __repr__(self) -> str:
        return f"TrustedDevice(id={self.id!r}, account_id={self.account_id!r})"


@dataclass(frozen=True, kw_only=True, slots=True)
class FactorCounts:
    """Which factors an account has."""

    totp: bool = False
    passkeys: int = 0
    recovery_codes: int = 0

    @property
    def kinds(self) -> tuple[str, ...]:
        """Those that can be asked for; recovery codes alone are no second factor."""
        if not (self.totp or self.passkeys):
            return ()
        held = (
            ("passkey", self.passkeys > 0),
            ("totp", self.totp),
            ("recovery_code", self.recovery_codes > 0),
        )
        return tuple(kind for kind, has in held if has)


class FactorStore(Protocol):
    """Authenticator apps and recovery codes. Whatever adds or removes a factor also removes the
    account's trusted devices, in the same step; with its last app or passkey the recovery codes
    go too.
    """

    async def counts(self, account_id: str) -> FactorCounts:
        """What the account has."""
        ...

    async def totp_of(self, account_id: str) -> TotpRecord | None:
        """The account's authenticator app."""
        ...

    async def add_totp(self, record: TotpRecord) -> bool:
        """Store it; False, and nothing changed, if the account has one."""
        ...

    async def advance_totp(self, record: TotpRecord, *, step: int, now: float) -> bool:
        """Accept the code of `step` in one statement: False unless `step` is newer than any that
        was accepted and the secret is still the record's.
        """
        ...

    async def reseal_totp(self, record: TotpRecord, secret: str) -> bool:
        """Replace the sealed secret if it is still the record's."""
        ...

    async def remove_totp(self, account_id: str) -> bool:
        """Remove the app; False if there was none."""
        ...

    async def set_recovery_codes(
        self, account_id: str, digests: Sequence[str], *, only_first: bool = False
    ) -> bool:
        """Replace all codes in one step; with `only_first` only if there are none, else False."""
        ...

    async def spend_recovery_code(self, account_id: str, digest: str) -> bool:
        """Remove the code in one statement. Of many concurrent callers one is told True."""
        ...

    async def remove_all(self, account_id: str) -> bool:
        """Remove apps, passkeys, codes and trusted devices; False if there was no factor."""
        ...

    async def demote_passkeys(self, account_id: str) -> bool:
        """Let the passkeys open nothing alone from now on; False if none did."""
        ...

    async def remove_since(self, account_id: str, since: float) -> bool:
        """Remove apps and passkeys that were added at `since` or later, and all codes and trusted
        devices, whose times are not kept or do not matter; passkeys that stay are `second_only`
        from then on. False if nothing was removed or changed. One step.
        """
        ...


class PasskeyStore(Protocol):
    """Passkeys; adding and removing ends the account's trusted devices as in FactorStore."""

    async def add_passkey(self, record: PasskeyRecord, *, limit: int) -> str:
        """`added`; `exists` if the credential is known, for whatever account; `full` if the account
        has `limit`. One step.
        """
        ...

    async def passkeys_of(self, account_id: str) -> Sequence[PasskeyRecord]:
        """The account's, oldest first."""
        ...

    async def passkey(self, credential_id: str) -> PasskeyRecord | None:
        """The one with this credential id."""
        ...

    async def use_passkey(
        self, passkey_id: str, *, sign_count: int, backed_up: bool, now: float
    ) -> bool:
        """Note use in one statement; False unless the count grew, or is and was zero, or if the
        passkey is gone (WebAuthn section 7.2 step 22).
        """
        ...

    async def rename_passkey(self, account_id: str, passkey_id: str, name: str) -> bool:
        """Name it; False if the account has none with this id."""
        ...

    async def remove_passkey(self, account_id: str, passkey_id: str) -> bool:
        """Remove it; False if the account has none with this id."""
        ...


class TrustedDeviceStore(Protocol):
    """Devices that need no second factor."""

    async def trust(self, device: TrustedDevice, *, keep: int) -> None:
        """Store it; of the account's the newest `keep` remain."""
        ...

    async def use_trusted(
        self, digest: str, *, account_id: str, password_state: str, now: float
    ) -> bool:
        """Note use in one statement; False unless it is this account's, not expired, and the
        password is still the one under which it was trusted.
        """
        ...

    async def trusted_of(
        self, account_id: str, *, password_state: str, now: float
    ) -> Sequence[TrustedDevice]:
        """Those that still count, newest use first."""
        ...

    async def distrust(self, account_id: str, device_id: str | None = None) -> int:
        """Remove one, or all; how many there were."""
        ...


class ChallengeStore(Protocol):
    """Remembers which challenges were used."""

    async def spend(self, digest: str, *, expires_at: float) -> bool:
        """Remember it in one statement; False if it was there. Of many callers one is told True."""
        ...

    async def prune(self, *, now: float) -> int:
        """Forget challenges, and remove trusted devices, that have expired; how many."""
        ...
