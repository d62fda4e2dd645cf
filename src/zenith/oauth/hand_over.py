"""From a browser that came back to the program that sent it: a code, once, for tokens."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from zenith.accounts import Account, AccountStore, OneTimeStore
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.keys import digest, equal, new_id, new_token
from zenith.kernel.records import dataclass
from zenith.oauth.authorization import challenge_of
from zenith.oauth.errors import AccountClosedError, HandOverError
from zenith.oauth.id_token import ProvenIdentity
from zenith.oauth.store import IdentityStore

PURPOSE: Final = "oauth-code/2"
LIFETIME: Final = 60.0
"""Seconds for which a code holds (RFC 9700 section 2.1.1, ASVS 10.4.3)."""
MAX_VERIFIER: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """Whom a code stands for."""

    account: Account
    issuer: str
    subject: str
    """Of the identity by which the account was entered."""
    proven_at: float
    """When its owner was proven, in Unix seconds."""
    provider: str
    """By name."""


class HandOver:
    """Issues and spends codes.

    Threat: tokens in an address, which history, logs and the next page learn; and a code that was
    read there (RFC 9700 section 4.3). A code is worth nothing without the verifier, which never
    left the program; it is spent by one step of the store, also by whoever has the wrong verifier.
    And a code that outlives its identity: who is found out, and whose link is removed, has nothing
    left in hand (ASVS 7.4.3).
    """

    def __init__(
        self,
        *,
        secrets: OneTimeStore,
        accounts: AccountStore,
        identities: IdentityStore,
        clock: Clock = wall_clock,
        random: Callable[[], str] = new_token,
    ) -> None:
        self._secrets: Final = secrets
        self._accounts: Final = accounts
        self._identities: Final = identities
        self._clock: Final = clock
        self._random: Final = random

    async def issue(
        self, account: Account, proven: ProvenIdentity, *, challenge: str, provider: str
    ) -> str:
        """A code for the program whose S256 `challenge` this is; `proven` opened the account."""
        code, now = self._random(), self._clock()
        identity = (proven.issuer, proven.subject, proven.authenticated_at, provider)
        subject = json.dumps([new_id(), account.id, challenge, *identity])
        await self._secrets.put(
            digest(code), purpose=PURPOSE, subject=subject, now=now, expires_at=now + LIFETIME
        )
        return code

    async def spend(self, code: str, verifier: str) -> HandedOver:
        """Whom the code stands for. Raises HandOverError, AccountClosedError."""
        subject = await self._secrets.consume(digest(code), purpose=PURPOSE, now=self._clock())
        if subject is None:
            raise HandOverError(reason="unknown, spent or expired")
        _, account_id, challenge, issuer, name, proven_at, provider = json.loads(subject)
        if not equal(challenge_of(verifier[: MAX_VERIFIER + 1]), challenge):
            raise HandOverError(reason="the verifier does not fit")
        identity = await self._identities.find(issuer, name)
        if identity is None or identity.account_id != account_id:
            raise HandOverError(reason="the identity was unlinked since the sign-in")
        account = await self._accounts.by_id(account_id)
        if account is None or not account.is_active:
            raise AccountClosedError(reason="locked or gone since the sign-in")
        return HandedOver(
            account=account,
            issuer=issuer,
            subject=name,
            proven_at=float(proven_at),
            provider=provider,
        )
