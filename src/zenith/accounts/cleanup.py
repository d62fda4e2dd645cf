"""What ends with the credentials of an account, beyond its sign-ins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from zenith.accounts.client import Client


class AccountCleanup(Protocol):
    """Ends what another capability keeps for an account, in its store and in every cache.

    Threat: a credential that a thief made for himself while he had the account, and that outlives
    the owner's recovery of it (ASVS 7.4.2, 7.4.3). `assembly` hands these to the flows, which know
    of no other capability. They are called again where the first call may have failed.
    """

    async def __call__(self, account_id: str, *, since: float, reason: str, client: Client) -> None:
        """End it and record it. `since` is a Unix time in seconds: what is older, and is none of
        the thief's, may stay; 0 ends all.
        """
        ...


async def clean_up(
    cleanups: Iterable[AccountCleanup],
    account_id: str,
    *,
    reason: str,
    client: Client,
    since: float = 0.0,
) -> None:
    """Call them one after the other."""
    for each in cleanups:
        await each(account_id, since=since, reason=reason, client=client)
