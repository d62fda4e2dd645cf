"""A linked identity as a factor of step-up: proven at its provider, and nowhere else."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from zenith.accounts import Account, Client
from zenith.oauth.store import IdentityStore


class IdentityCheck:
    """Says who can be led to a provider in order to confirm.

    Threat: a proof that the browser merely claims. What the provider says arrives at the callback,
    bound to the browser that left; no text that is sent in a form proves anything. `providers` are
    the names of those that can say when they asked.
    """

    def __init__(self, identities: IdentityStore, providers: Collection[str]) -> None:
        self._identities: Final = identities
        self._providers: Final = frozenset(providers)

    async def is_held(self, account: Account) -> bool:
        """Whether the account has an identity of one of the providers."""
        linked = await self._identities.of_account(account.id)
        return any(each.provider in self._providers for each in linked)

    async def verify(self, account: Account, proof: str, client: Client) -> bool:
        """False: see above."""
        del account, proof, client
        return False
