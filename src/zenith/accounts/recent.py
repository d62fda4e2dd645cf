"""Accounts as this process read them a moment ago."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from zenith.accounts.store import Account, AccountStore
from zenith.authentication import Revocation, RevocationList
from zenith.kernel.clock import Clock, steady_clock

MAX_AGE: Final = 1.0
"""Seconds for which an account is believed before the store is asked again."""
MAX_ACCOUNTS: Final = 10_000


class RecentAccounts:
    """Accounts by id, at most one second old, dropped at once when something of them is revoked.

    Threat: an account that acts on although it was locked (ASVS 7.4.2); and a database that is
    asked for the same row with every request.
    """

    def __init__(
        self, store: AccountStore, revocations: RevocationList, *, steady: Clock = steady_clock
    ) -> None:
        self._store: Final = store
        self._steady: Final = steady
        self._accounts: Final[OrderedDict[str, tuple[float, Account]]] = OrderedDict()
        self._generation = 0
        revocations.subscribe(self._drop)

    async def by_id(self, account_id: str) -> Account | None:
        """The account as it was at most `MAX_AGE` seconds ago."""
        now = self._steady()
        kept = self._accounts.get(account_id)
        if kept is not None and now - kept[0] < MAX_AGE:
            return kept[1]
        generation = self._generation
        account = await self._store.by_id(account_id)
        if account is None:
            self._accounts.pop(account_id, None)
        elif generation == self._generation:
            # Otherwise something was revoked while the store answered: its answer may be stale.
            self._accounts[account_id] = (now, account)
            self._accounts.move_to_end(account_id)
            if len(self._accounts) > MAX_ACCOUNTS:
                self._accounts.popitem(last=False)
        return account

    def forget(self, account_id: str) -> None:
        """Ask the store at the next use: something of the account was changed here."""
        self._generation += 1
        self._accounts.pop(account_id, None)

    def _drop(self, revocation: Revocation) -> None:
        self._generation += 1
        if revocation.kind == "subject":
            self._accounts.pop(revocation.key, None)
