"""Accounts in process memory."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from itertools import islice
from typing import Any, Final

from zenith.accounts.model import AccountModel
from zenith.accounts.store import Account, DeleteOutcome, LockOutcome
from zenith.kernel.errors import ConflictError, ServiceUnavailableError


class MemoryAccountStore:
    """Accounts that end with the process: for tests and for trying out.

    `max_entries` bounds the memory that a flood of registrations can take; beyond it
    ServiceUnavailableError is raised.
    """

    def __init__(self, *, max_entries: int = 100_000, model: AccountModel | None = None) -> None:
        self._max: Final = max_entries
        self._model: Final = model or AccountModel()
        self._accounts: dict[str, Account] = {}
        self._ids: dict[str, str] = {}
        self._keys: list[str] = []
        self._holders: dict[str, set[str]] = {}

    async def create(self, account: Account) -> bool:
        """Store a new account; False, and nothing stored, if `email_key` is taken."""
        return self._add(account)

    async def create_first(self, account: Account, *, role: str) -> bool:
        """Store the account only if none holds `role` yet."""
        return not self._holders.get(role) and self._add(account)

    async def by_id(self, account_id: str) -> Account | None:
        """The account with this id."""
        return self._accounts.get(account_id)

    async def by_email(self, email_key: str) -> Account | None:
        """The account with this canonical e-mail."""
        return self._accounts.get(self._ids.get(email_key, ""))

    async def set_password(
        self, account_id: str, password_hash: str, *, expected: str | None, changed_at: float | None
    ) -> bool:
        """Replace the hash if it is still `expected`."""
        account = self._accounts.get(account_id)
        if account is None or account.password_hash != expected:
            return False
        self._accounts[account_id] = replace(
            account,
            password_hash=password_hash,
            password_changed_at=account.password_changed_at if changed_at is None else changed_at,
        )
        return True

    async def set_locked(
        self, account_id: str, locked_at: float | None, *, keep_one: str | None
    ) -> LockOutcome:
        """Lock (a time) or unlock (None)."""
        account = self._accounts.get(account_id)
        if account is None or account.is_active is (locked_at is None):
            return "unchanged"
        if locked_at is not None and keep_one is not None and self._is_last(account, keep_one):
            return "kept"
        self._accounts[account_id] = replace(account, locked_at=locked_at)
        return "changed"

    async def set_roles(
        self, account_id: str, roles: Iterable[str], *, keep_one: str | None
    ) -> bool:
        """Replace the roles, unless the last unlocked holder of `keep_one` would lose it."""
        account = self._accounts.get(account_id)
        wanted = tuple(dict.fromkeys(roles))
        if account is None:
            return False
        if keep_one is not None and keep_one not in wanted and self._is_last(account, keep_one):
            return False
        for role in account.roles:
            self._holders[role].discard(account_id)
        self._hold(account_id, wanted)
        self._accounts[account_id] = replace(account, roles=wanted)
        return True

    async def set_permissions(
        self, account_id: str, permissions: Iterable[str], *, expected: Sequence[str]
    ) -> bool:
        """Replace the account's own permissions if they are still `expected`."""
        account = self._accounts.get(account_id)
        if account is None or account.permissions != tuple(expected):
            return False
        self._accounts[account_id] = replace(account, permissions=tuple(permissions))
        return True

    async def update_profile(self, account_id: str, changes: Mapping[str, object]) -> bool:
        """Set columns of the application's own; those not named stay."""
        checked = self._model.checked(changes)
        account = self._accounts.get(account_id)
        if account is None:
            return False
        self._accounts[account_id] = self._as_model(account, checked)
        return True

    async def delete(self, account_id: str, *, keep_one: str | None) -> DeleteOutcome:
        """Remove the account, unless it is the last unlocked holder of `keep_one`."""
        account = self._accounts.get(account_id)
        if account is None:
            return "unknown"
        if keep_one is not None and self._is_last(account, keep_one):
            return "kept"
        self.forget(account)
        return "deleted"

    def find(self, email_key: str) -> Account | None:
        """The account with this e-mail, for stores that change accounts in a step of theirs."""
        return self._accounts.get(self._ids.get(email_key, ""))

    def get(self, account_id: str) -> Account | None:
        """The account with this id, for stores that change accounts in a step of theirs."""
        return self._accounts.get(account_id)

    def holders(self, role: str) -> frozenset[str]:
        """Ids of the accounts that hold `role`."""
        return frozenset(self._holders.get(role, ()))

    def is_last(self, account_id: str, role: str) -> bool:
        """Whether no other open account holds `role`."""
        return self._is_last(self._accounts[account_id], role)

    def give_role(self, account_id: str, role: str) -> None:
        """Add a role in a step of another store."""
        account = self._accounts[account_id]
        self._hold(account_id, (role,))
        self._accounts[account_id] = replace(account, roles=(*account.roles, role))

    def take_role(self, account_id: str, role: str) -> None:
        """Remove a role in a step of another store."""
        account = self._accounts[account_id]
        self._holders[role].discard(account_id)
        kept = tuple(each for each in account.roles if each != role)
        self._accounts[account_id] = replace(account, roles=kept)

    def exchange_role(self, former: str, present: str) -> None:
        """Give the holders of one role another in its place, in a step of another store."""
        for account_id in self.holders(former):
            account = self._accounts[account_id]
            held = tuple(present if each == former else each for each in account.roles)
            self._accounts[account_id] = replace(account, roles=held)
            self._hold(account_id, (present,))
        self._holders.pop(former, None)

    def forget(self, account: Account) -> None:
        """Remove an account in a step of another store."""
        del self._accounts[account.id], self._ids[account.email_key]
        self._keys.remove(account.email_key)
        for role in account.roles:
            self._holders[role].discard(account.id)

    def change(self, account_id: str, **values: Any) -> bool:
        """Replace fields of an account in a step of another store; False if there is none, or if
        its new e-mail is another's.
        """
        account = self._accounts.get(account_id)
        key = values.get("email_key")
        if account is None or self._ids.get(key or "", account_id) != account_id:
            return False
        if key is not None:
            del self._ids[account.email_key]
            self._keys.remove(account.email_key)
            self._ids[key] = account_id
            insort(self._keys, key)
        self._accounts[account_id] = replace(account, **values)
        return True

    async def note_sign_in(self, account_id: str, at: float) -> None:
        """Remember the last sign-in."""
        account = self._accounts.get(account_id)
        if account is not None:
            self._accounts[account_id] = replace(account, last_sign_in_at=at)

    async def page(self, *, after: str | None, limit: int, search: str = "") -> Sequence[Account]:
        """Accounts ordered by `email_key`, those after the key `after`."""
        start = 0 if after is None else bisect_right(self._keys, after)
        found = (key for key in islice(self._keys, start, None) if search in key)
        return [self._accounts[self._ids[key]] for key in islice(found, max(0, limit))]

    async def has_role(self, role: str) -> bool:
        """Whether any account holds `role` directly."""
        return bool(self._holders.get(role))

    def _add(self, account: Account) -> bool:
        if account.email_key in self._ids:
            return False
        if account.id in self._accounts:
            raise ConflictError(reason="account id is taken")
        if len(self._accounts) >= self._max:
            raise ServiceUnavailableError(reason=f"memory holds {self._max} accounts already")
        account = replace(
            self._as_model(account, self._model.dump(account)),
            roles=tuple(dict.fromkeys(account.roles)),
        )
        self._accounts[account.id] = account
        self._ids[account.email_key] = account.id
        insort(self._keys, account.email_key)
        self._hold(account.id, account.roles)
        return True

    def _as_model(self, account: Account, changes: Mapping[str, object]) -> Account:
        values = {each.name: getattr(account, each.name) for each in fields(Account)}
        return self._model.load({**self._model.dump(account), **changes}, values)

    def _hold(self, account_id: str, roles: Iterable[str]) -> None:
        for role in roles:
            self._holders.setdefault(role, set()).add(account_id)

    def _is_last(self, account: Account, role: str) -> bool:
        if not account.is_active or role not in account.roles:
            return False
        return not any(
            holder != account.id and self._accounts[holder].is_active
            for holder in self._holders[role]
        )
