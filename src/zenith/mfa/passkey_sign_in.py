"""Signing in with a passkey and nothing else."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from zenith.accounts import (
    Account,
    AccountStore,
    BrowserSignIn,
    Client,
    FactorsDue,
    InvalidFactorError,
    SignIn,
    TokenPair,
)
from zenith.accounts.factors import StillHolds
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import NotFoundError, RateLimitError
from zenith.kernel.events import EventSink, EventType
from zenith.kernel.keys import digest
from zenith.kernel.network import client_key
from zenith.kernel.principal import Principal
from zenith.mfa.passkeys import Passkeys
from zenith.rate_limits import RateLimiter

LIMIT: Final = "30/minute"
"""Answers per address whose signature is verified."""
PASSKEY_FACTOR: Final = "passkey"


class PasskeySignIn:
    """What the sign-in page and programs use.

    Threat: a passkey's answer that is made in one browser and spent in another: the challenge is
    bound to `handle`, a secret that the browser keeps in a cookie, or a program for itself. The
    account is the one that the passkey names; nobody is asked for an e-mail, so nothing tells which
    accounts exist (ASVS 6.3.8). And a passkey that a thief added long before he was found out: one
    that is older than the account's recovery stays as a second factor and opens nothing alone.
    """

    def __init__(
        self,
        *,
        passkeys: Passkeys | None,
        accounts: AccountStore,
        sign_in: SignIn,
        limiter: RateLimiter,
        events: EventSink,
        clock: Clock = wall_clock,
    ) -> None:
        self._passkeys: Final = passkeys
        self._accounts: Final = accounts
        self._sign_in: Final = sign_in
        self._limiter: Final = limiter
        self._events: Final = events
        self._clock: Final = clock

    @property
    def is_offered(self) -> bool:
        """Whether passkeys are on."""
        return self._passkeys is not None

    def options(self, handle: str) -> dict[str, Any]:
        """What `navigator.credentials.get()` takes. Raises NotFoundError where passkeys are off."""
        return self._need().sign_in_options(digest(handle))

    async def browser(
        self, credential: str, *, handle: str, client: Client, replaces: Principal | None = None
    ) -> BrowserSignIn | FactorsDue:
        """The session of the passkey's owner. Raises InvalidFactorError and RateLimitError."""
        account, still = await self._verified(credential, handle, client)
        factors = {PASSKEY_FACTOR: self._clock()}
        return await self._sign_in.enter_browser(
            account, factors=factors, client=client, replaces=replaces, still=still
        )

    async def tokens(
        self, credential: str, *, handle: str, client: Client
    ) -> TokenPair | FactorsDue:
        """The tokens of the passkey's owner; raises as `browser`."""
        account, still = await self._verified(credential, handle, client)
        factors = {PASSKEY_FACTOR: self._clock()}
        return await self._sign_in.enter_tokens(
            account, factors=factors, client=client, still=still
        )

    async def _verified(
        self, credential: str, handle: str, client: Client
    ) -> tuple[Account, StillHolds]:
        """The passkey's account, and what asks whether the passkey still opens it."""
        try:
            await self._limiter.require(
                "passkey", keys={"address": client_key(client.address)}, limits=LIMIT
            )
            passkey = await self._need().verify_sign_in(
                credential, binding=digest(handle), client=client
            )
        except InvalidFactorError as error:
            await self._note(client, EventType.LOGIN_FAILED, None, error.reason)
            raise
        except RateLimitError as error:
            await self._note(client, EventType.LOGIN_BLOCKED, None, error.reason)
            raise
        if passkey.second_only:
            reason = "the account was taken back since this passkey was added"
            await self._note(client, EventType.LOGIN_FAILED, passkey.account_id, reason)
            raise InvalidFactorError(reason=reason)
        account = await self._accounts.by_id(passkey.account_id)
        if account is None or not account.is_active:
            reason = "account is locked or gone"
            await self._note(client, EventType.LOGIN_FAILED, passkey.account_id, reason)
            raise InvalidFactorError(reason=reason)
        return account, partial(self._need().opens, passkey)

    async def _note(self, client: Client, kind: EventType, target: str | None, reason: str) -> None:
        await self._events.record(
            client.event(
                kind,
                "failure",
                at=self._clock(),
                target=target,
                scheme=PASSKEY_FACTOR,
                reason=reason,
                severity="WARNING",
            )
        )

    def _need(self) -> Passkeys:
        if self._passkeys is None:
            raise NotFoundError("Passkeys are off here", reason="mfa.passkeys is off")
        return self._passkeys
