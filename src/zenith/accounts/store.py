"""What accounts need from a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Literal, Protocol, TypeAlias

from zenith.kernel.records import dataclass
from zenith.mail import QueuedMail

LockOutcome: TypeAlias = Literal["changed", "unchanged", "kept"]
DeleteOutcome: TypeAlias = Literal["deleted", "unknown", "kept"]
LinkPurpose: TypeAlias = Literal["verify_email", "reset_password", "change_email", "revert_email"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person's account. Times are Unix times in seconds.

    An application with columns of its own extends this class by a frozen, keyword-only dataclass
    and names it in `Zenith(user_model=...)`. What is private here is in no repr of it either.
    """

    id: str
    email: str = field(repr=False)
    """As its owner wrote it, for display and mail."""
    email_key: str = field(repr=False)
    """Canonical form; unique."""
    name: str = field(default="", repr=False)
    password_hash: str | None = field(default=None, repr=False)
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

    async def set_permissions(
        self, account_id: str, permissions: Iterable[str], *, expected: Sequence[str]
    ) -> bool:
        """Replace the account's own permissions if they are still `expected`; False if another
        change was first, or if there is no such account. One step.
        """
        ...

    async def update_profile(self, account_id: str, changes: Mapping[str, object]) -> bool:
        """Set columns of the application's own, in one step; those not named stay. False if there
        is no such account. Raises ValidationError for values that do not fit.
        """
        ...

    async def delete(self, account_id: str, *, keep_one: str | None) -> DeleteOutcome:
        """Remove the account and what belongs to it, its sign-ins included, in one step:
        `deleted`, `unknown`, or `kept` if it is the last unlocked holder of the role `keep_one`.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class MailLink:
    """A one-time link that was mailed, without its secret."""

    digest: str = field(repr=False)
    """SHA-256 of the secret."""
    purpose: LinkPurpose
    account_id: str
    email: str = field(repr=False)
    """The address that the link is about: the one it was mailed to."""
    email_key: str = field(repr=False)
    password_changed_at: float | None
    """When the account's password had changed as the link was issued: a later change voids links
    that would replace password or address."""
    created_at: float
    expires_at: float

    def displaces(self, holder: Account) -> bool:
        """Whether `holder`, another account with the link's address, gives way to the owner of a
        link that brings it back: it came later, and nobody has read mail there for it.
        """
        return holder.email_verified_at is None and holder.created_at >= self.created_at


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChange:
    """An address that was replaced."""

    account_id: str
    former: str = field(repr=False)
    present: str = field(repr=False)


ChangeMails: TypeAlias = Callable[[EmailChange], Sequence[QueuedMail]]
"""Writes the mails that tell of a change."""


class MailLinkStore(Protocol):
    """One-time links by mail. Whatever a link does is one step with its end: of many who use it at
    once one succeeds, and a failure leaves both the link and the account as they were.
    """

    async def issue(self, link: MailLink, *, mail: QueuedMail | None = None) -> bool:
        """Remember a link, and queue the mail that brings it, in one step; False where the link is
        remembered and there was no room for its mail. Other links of the same purpose stay, until
        one of them is used.
        """
        ...

    async def check(self, digest: str, *, purpose: LinkPurpose, now: float) -> MailLink | None:
        """The link if it is known and has not expired; changes nothing."""
        ...

    async def verify_email(self, digest: str, *, now: float) -> MailLink | None:
        """Spend the link and note that its address is the owner's; None if the link is not valid
        any more or the account has another address by now.
        """
        ...

    async def reset_password(
        self, digest: str, password_hash: str, *, now: float
    ) -> MailLink | None:
        """Spend the link and replace the password. None, and nothing changed, if the link is not
        valid any more, if password or address have changed since it was issued, or if the account
        is locked. Every other link of the account but those that revert an address dies with it,
        and the address counts as verified.
        """
        ...

    async def change_email(
        self, digest: str, *, revert: str, now: float, until: float, mails: ChangeMails
    ) -> EmailChange | None:
        """Spend the link, replace the address, issue a link with the digest `revert` and the end
        `until` that brings the former one back, and queue the mails that tell of it. None, and
        nothing changed, as for `reset_password`, and where another account has the address by now.
        """
        ...

    async def revert_email(
        self, digest: str, *, now: float, keep_one: str | None
    ) -> MailLink | None:
        """Spend the link, bring its address back and remove the password; links issued after it
        die. An account that was made meanwhile with this address, and has not verified it, gives
        way, unless it is the last unlocked holder of the role `keep_one`. None, and nothing
        changed, if the link is not valid any more or if the address is another's.
        """
        ...

    async def prune(self, *, now: float) -> int:
        """Remove expired links; how many there were."""
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
