"""How often credentials may be tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from zenith.abuse import Admission, Attempts, Proof
from zenith.abuse.challenges import Challenges
from zenith.accounts.client import Client
from zenith.accounts.devices import KnownDevices
from zenith.accounts.settings import AccountSettings
from zenith.accounts.store import Account
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.events import EventSink, EventType
from zenith.kernel.network import client_key
from zenith.rate_limits import Limit, RateLimiter
from zenith.rate_limits.limit import parse_limits

PASSWORD_CHECKS: Final = "60/hour;200/day"
"""Proofs of the password within sessions of one account, right ones included."""


class AttemptLimits:
    """Slows down guessing without locking the owner out.

    Threat: password guessing and stuffing (ASVS 6.3.1), and its reverse: failing on purpose until
    the owner is kept out. Three things count, in this order: all attempts of an address, in rate
    counters; then the failures of the place (this account from this address), of the account and
    of the address, in the store of attempts (see `zenith.abuse.Tiers`). A device where the owner
    has signed in before counts for itself alone in both, so that neither strangers far away nor
    neighbours behind the same address can use its attempts up.

    `on_lock` tells the owner; it must not wait.
    """

    def __init__(
        self,
        limiter: RateLimiter,
        devices: KnownDevices,
        settings: AccountSettings,
        *,
        attempts: Attempts,
        events: EventSink,
        on_lock: Callable[[Account], object] | None = None,
        challenges: Challenges | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self._limiter: Final = limiter
        self._devices: Final = devices
        self._attempts: Final = attempts
        self._events: Final = events
        self._on_lock: Final = on_lock
        self._challenges: Final = challenges
        self._clock: Final = clock
        self._sign_in: Final = parse_limits(settings.sign_in_limit)
        self._register: Final = parse_limits(settings.register_limit)
        self._checks: Final = (*self._sign_in, *parse_limits(PASSWORD_CHECKS))

    async def admit_sign_in(
        self, client: Client, email_key: str, account: Account | None
    ) -> Admission | None:
        """Count an attempt; tell afterwards what came of it.

        `account` is the one with this e-mail, if any; None comes back where `email_key` is empty,
        for what is no e-mail address is no account. Raises RateLimitError when there were too many,
        ProofRequiredError or ChallengeRequiredError where the next one needs a proof of work or a
        challenge. None depends on whether the account exists.
        """
        address = client_key(client.address)
        device = self._devices.recognise(client.device, account)
        keys = {"address": address} if device is None else {"device": device}
        await self._require("sign-in", keys, self._sign_in)
        proven = await self._challenge("sign_in", client) if device is None else None
        if not email_key:
            return None
        return await self._attempts.admit(
            email_key, address=address, device=device, proof=client.proof, proven=proven
        )

    async def failed(
        self, admission: Admission | None, client: Client, account: Account | None
    ) -> None:
        """The password was wrong. The attempt counts already; here the owner is told, once, that
        devices which the account does not know are locked out. The event is recorded for addresses
        without an account too: the time of the answer tells nothing.
        """
        if self._challenges is not None:
            await self._challenges.failed("sign_in", client.address)
        if admission is None or not admission.verdict.began_lock:
            return
        event = client.event(
            EventType.LOCKOUT_BEGAN,
            "denied",
            at=self._clock(),
            target=None if account is None else account.id,
            reason="too many failures of unknown devices",
            severity="WARNING",
        )
        await self._events.record(event)
        if self._on_lock is not None and account is not None:
            self._on_lock(account)

    async def succeeded(self, admission: Admission | None) -> None:
        """The password was right: this place begins anew."""
        if admission is not None:
            await self._attempts.succeeded(admission)

    async def undo(self, admission: Admission | None) -> None:
        """The password was not looked at, so nothing was learned."""
        if admission is not None:
            await self._attempts.undo(admission)

    async def lift(self, account: Account) -> bool:
        """Let unknown devices try again, as an administrator or a password reset decides; whether
        they were locked out.
        """
        return await self._attempts.lift(account.email_key)

    async def locked_out(self, accounts: Sequence[Account]) -> Mapping[str, float]:
        """Ids of those accounts from which unknown devices are locked out, and until when."""
        ids = {account.email_key: account.id for account in accounts}
        found = await self._attempts.locked_out(tuple(ids))
        return {ids[key]: until for key, until in found.items()}

    async def admit_password_check(self, client: Client, account_id: str) -> None:
        """Count an attempt to prove the password while signed in."""
        keys = {"address": client_key(client.address)}
        await self._require("password", keys, self._sign_in)
        await self._require("password", {"account": account_id}, self._checks)

    async def admit_registration(self, client: Client, *, is_setup: bool = False) -> None:
        """Count a registration. The first-run link is challenge enough: `is_setup`."""
        await self._require("register", {"address": client_key(client.address)}, self._register)
        if not is_setup:
            await self._challenge("register", client, counts=True)

    async def admit_reset(self, client: Client) -> None:
        """Ask for what the settings ask who has forgotten a password."""
        await self._challenge("reset_password", client, counts=True)

    async def _challenge(
        self, action: str, client: Client, *, counts: bool = False
    ) -> Proof | None:
        if self._challenges is None:
            return None
        proven = await self._challenges.admit(client.proof, action=action, client=client.address)
        if counts:
            await self._challenges.failed(action, client.address)
        return proven

    async def _require(self, name: str, keys: Mapping[str, str], limits: tuple[Limit, ...]) -> None:
        await self._limiter.require(name, keys=keys, limits=limits)
