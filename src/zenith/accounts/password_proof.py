"""The password, asked for once more before what cannot be undone."""

from __future__ import annotations

from typing import Final

from zenith.accounts.client import Client
from zenith.accounts.errors import InvalidCredentialsError
from zenith.accounts.limits import AttemptLimits
from zenith.accounts.store import Account, AccountStore
from zenith.accounts.stored_password import verified
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import AuthenticationError
from zenith.kernel.principal import Principal
from zenith.passwords import PasswordHasher

RECENT: Final = 600.0
"""Seconds for which a proof within the session stands for the password that an account lacks."""


class PasswordProof:
    """Asks the signed-in for their password.

    Threat: a borrowed browser or a stolen session that takes the account or deletes it (ASVS 6.2.3,
    7.5.1). An account without a password must have proven another factor within ten minutes.
    """

    def __init__(
        self,
        *,
        accounts: AccountStore,
        hasher: PasswordHasher,
        limits: AttemptLimits,
        clock: Clock = wall_clock,
    ) -> None:
        self._accounts: Final = accounts
        self._hasher: Final = hasher
        self._limits: Final = limits
        self._clock: Final = clock

    async def check(self, principal: Principal, password: str, *, client: Client) -> Account:
        """The account of the caller, who has proven it anew.

        Raises InvalidCredentialsError, RateLimitError, and AuthenticationError for a caller that is
        no person or whose account is locked or gone.
        """
        account = None
        if principal.kind == "user":
            account = await self._accounts.by_id(principal.subject)
        if account is None or not account.is_active:
            raise AuthenticationError(reason="no open account")
        if account.password_hash is None:
            if self._clock() - max(principal.factors.values(), default=0.0) > RECENT:
                raise InvalidCredentialsError(
                    "This account has no password: sign in again first, or set one by the mail for"
                    " a forgotten password",
                    reason="no recent factor",
                )
            return account
        await self._limits.admit_password_check(client, account.id)
        if not await verified(self._hasher, password, account):
            raise InvalidCredentialsError("Your password is wrong", reason="wrong password")
        return account
