"""What accounts need from a store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

LockOutcome: TypeAlias = Literal["changed", "unchanged", "kept"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person's account. Times are Unix times in seconds."""

    id: str
    email: str
    """As its owner wrote it, for display and mail."""
    email_key: str
    """Canonical form; unique."""
    name: str = ""
    password_hash: str | None = None
    roles: tuple[str, ...] = ("user",)
    permissions: tuple[str, ...] = ()
    """Own grants beyond those of the roles."""
    created_at: float
    locked_at: float | None = None
    """When an administrator locked it; None while it is open."""
    email_verified_at: float | None = None
    password_changed_at: float | None = None
    last_sign_in_at: float | None = None

    @property
    def is_active(self) -> bool:
        """Whether the account may sign in and act."""
        return self.locked_at is None

    def __repr__(self) -> str:
        return f"Account(id={self.id!r}, roles={self.roles!r}, active={self.is_active})"


class AccountStore(Protocol):
    """Accounts. Unique e-mail is the store's promise, not a check made before writing."""

    async def create(self, account: Account) -> bool:
        """Store a new account; False, and nothing stored, if `email_key` is taken."""
        ...

    async def create_first(self, account: Account, *, role: str) -> bool:
        """Store the account only if none holds `role` yet, in one step; False otherwise or if
        `email_key` is taken.
        """
        ...

    async def by_id(self, account_id: str) -> Account | None:
        """The account with this id."""
        ...

    async def by_email(self, email_key: str) -> Account | None:
        """The account with this canonical e-mail."""
        ...

    async def set_password(
        self, account_id: str, password_hash: str, *, expected: str | None, changed_at: float | None
    ) -> bool:
        """Replace the hash if it is still `expected`; False if another change was first.
        `changed_at` is None for a mere rehash, which does not count as a change.
        """
        ...

    async def set_locked(
        self, account_id: str, locked_at: float | None, *, keep_one: str | None
    ) -> LockOutcome:
        """Lock (a time) or unlock (None), in one step: `changed`; `unchanged` if there is no such
        account or it is so already; `kept` if it is the last unlocked holder of the role
        `keep_one` and would be locked.
        """
        ...

    async def set_roles(
        self, account_id: str, roles: Iterable[str], *, keep_one: str | None
    ) -> bool:
        """Replace the roles; False if there is no such account, or if it is the last unlocked
        holder of the role `keep_one` and would lose it. One step.
        """
        ...

    async def note_sign_in(self, account_id: str, at: float) -> None:
        """Remember the last sign-in."""
        ...

    async def page(self, *, after: str | None, limit: int, search: str = "") -> Sequence[Account]:
        """Accounts ordered by `email_key`, those after the key `after`; `search` is a literal
        part of the key (wildcards escaped).
        """
        ...

    async def has_role(self, role: str) -> bool:
        """Whether any account holds `role` directly."""
        ...


class OneTimeStore(Protocol):
    """Secrets that may be used once: links by mail, the first-run link."""

    async def put(
        self, digest: str, *, purpose: str, subject: str, now: float, expires_at: float
    ) -> None:
        """Remember a secret by its SHA-256. One for the same purpose and subject replaces it."""
        ...

    async def consume(self, digest: str, *, purpose: str, now: float) -> str | None:
        """Remove the secret in one step and return its subject; None if it is unknown, expired or
        was used before. Of many concurrent callers one succeeds.
        """
        ...

    async def check(self, digest: str, *, purpose: str, now: float) -> str | None:
        """Its subject if it could be consumed now; changes nothing."""
        ...

    async def prune(self, *, now: float) -> int:
        """Remove expired secrets; how many there were."""
        ...
