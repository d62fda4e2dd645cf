"""The columns that an application adds to its accounts."""

from __future__ import annotations

from typing import Final

from zenith.accounts.recent import RecentAccounts
from zenith.accounts.store import Account, AccountStore
from zenith.kernel.errors import NotFoundError


class Profiles:
    """Changes columns of the application's own. No route of Zenith does: the application decides
    who may write what.
    """

    def __init__(self, accounts: AccountStore, recent: RecentAccounts) -> None:
        self._accounts: Final = accounts
        self._recent: Final = recent

    async def update(self, account_id: str, **changes: object) -> Account:
        """Set the columns named, in one step, and return the account as it is now. This process
        sees them at once, others within a second.

        Raises ValidationError for what does not fit, NotFoundError for an unknown account.
        """
        stored = await self._accounts.update_profile(account_id, changes)
        self._recent.forget(account_id)
        account = await self._accounts.by_id(account_id) if stored else None
        if account is None:
            raise NotFoundError("There is no such account")
        return account
