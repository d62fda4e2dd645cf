"""From a browser that came back to the program that sent it: a code, once, for tokens."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from zenith.accounts import Account, AccountStore, OneTimeStore
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.keys import digest, equal, new_id, new_token
from zenith.oauth.authorization import challenge_of
from zenith.oauth.errors import AccountClosedError, HandOverError

PURPOSE: Final = "oauth-code"
LIFETIME: Final = 60.0
"""Seconds for which a code holds (RFC 9700 section 2.1.1, ASVS 10.4.3)."""
MAX_VERIFIER: Final = 128


class HandOver:
    """Issues and spends codes.

    Threat: tokens in an address, which history, logs and the next page learn; and a code that was
    read there (RFC 9700 section 4.3). A code is worth nothing without the verifier, which never
    left the program; it is spent by one step of the store, also by whoever has the wrong verifier.
    """

    def __init__(
        self,
        *,
        secrets: OneTimeStore,
        accounts: AccountStore,
        clock: Clock = wall_clock,
        random: Callable[[], str] = new_token,
    ) -> None:
        self._secrets: Final = secrets
        self._accounts: Final = accounts
        self._clock: Final = clock
        self._random: Final = random

    async def issue(self, account: Account, *, challenge: str, proven_at: float) -> str:
        """A code for the program whose S256 `challenge` this is. `proven_at` is when the person
        was proven, in Unix seconds.
        """
        code, now = self._random(), self._clock()
        subject = json.dumps([new_id(), account.id, challenge, proven_at])
        await self._secrets.put(
            digest(code), purpose=PURPOSE, subject=subject, now=now, expires_at=now + LIFETIME
        )
        return code

    async def spend(self, code: str, verifier: str) -> tuple[Account, float]:
        """The account, and when its owner was proven. Raises HandOverError, AccountClosedError."""
        subject = await self._secrets.consume(digest(code), purpose=PURPOSE, now=self._clock())
        if subject is None:
            raise HandOverError(reason="unknown, spent or expired")
        _, account_id, challenge, proven_at = json.loads(subject)
        if not equal(challenge_of(verifier[: MAX_VERIFIER + 1]), challenge):
            raise HandOverError(reason="the verifier does not fit")
        account = await self._accounts.by_id(account_id)
        if account is None or not account.is_active:
            raise AccountClosedError(reason="locked or gone since the sign-in")
        return account, float(proven_at)
