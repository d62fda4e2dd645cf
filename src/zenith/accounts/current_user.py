"""The account behind a request, together with what its credential proved."""

from __future__ import annotations

from typing import TypeVar

from zenith.accounts.store import Account
from zenith.kernel.principal import Principal
from zenith.kernel.records import dataclass

T = TypeVar("T", bound=Account)


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """Who is signed in, for handlers."""

    account: Account
    principal: Principal

    @property
    def id(self) -> str:
        """The account's id, the subject of its credentials."""
        return self.account.id

    @property
    def email(self) -> str:
        """As its owner wrote it."""
        return self.account.email

    @property
    def name(self) -> str:
        """What the owner wants to be called; may be empty."""
        return self.account.name

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles as assigned, without those that they imply."""
        return self.account.roles

    @property
    def custom_permissions(self) -> tuple[str, ...]:
        """Grants beyond those of the roles."""
        return self.account.permissions

    @property
    def is_active(self) -> bool:
        """False once an administrator has locked the account."""
        return self.account.is_active

    def as_model(self, kind: type[T]) -> T:
        """The account as the application's own class, the one named in `Zenith(user_model=...)`.

        Raises TypeError for another class: that is a mistake in code.
        """
        if not isinstance(self.account, kind):
            raise TypeError(f"accounts are {type(self.account).__name__}, not {kind.__name__}")
        return self.account

    def has_permission(self, permission: str) -> bool:
        """Whether the account may do this on any resource; a locked one may do nothing."""
        return self.is_active and self.principal.has_permission(permission)

    def has_role(self, role: str) -> bool:
        """Whether the account holds `role` or one above it; a locked one holds none."""
        return self.is_active and str(role) in self.principal.roles
