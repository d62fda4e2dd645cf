"""Accounts as schemes see them."""

from __future__ import annotations

from typing import Final

from zenith.accounts.store import AccountStore
from zenith.authentication import Grants, Subject


class AccountSubjects:
    """Finds a subject among the accounts; a locked account grants nothing."""

    def __init__(self, accounts: AccountStore, grants: Grants) -> None:
        self._accounts: Final = accounts
        self._grants: Final = grants

    async def find(self, subject_id: str) -> Subject | None:
        """The account's roles and permissions as they are now."""
        account = await self._accounts.by_id(subject_id)
        if account is None:
            return None
        if not account.is_active:
            return Subject(id=account.id, active=False)
        roles, permissions = self._grants(account.roles, account.permissions)
        return Subject(
            id=account.id,
            active=True,
            roles=roles,
            permissions=permissions,
            held_roles=account.roles,
            own_permissions=account.permissions,
        )
