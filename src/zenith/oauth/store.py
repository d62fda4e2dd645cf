"""What sign-in with other providers needs from a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Literal, Protocol, TypeAlias

from zenith.accounts import Account
from zenith.kernel.records import dataclass

Purpose: TypeAlias = Literal["sign-in", "link", "confirm"]
Adoption: TypeAlias = Literal["created", "identity_taken", "email_taken"]
Linking: TypeAlias = Literal["linked", "present", "taken", "full"]
Unlinking: TypeAlias = Literal["unlinked", "unknown", "kept"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person at a provider, linked to an account. Times are Unix times in seconds."""

    id: str
    """Public: names the link on pages. Knowing it proves nothing."""
    account_id: str
    issuer: str
    subject: str
    """`issuer` and `subject` together are unique, and are all that is ever looked up."""
    provider: str
    """The name under which the provider was set when the link was made."""
    label: str = ""
    """What the owner recognises it by, as the provider last told: an e-mail or a name."""
    created_at: float
    last_used_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingAuthorization:
    """Somebody has left for a provider and is expected back. Holds no secret: of `state` and of
    the browser's cookie only digests, and the verifier and nonce are derived from both.
    """

    digest: str
    """SHA-256 of the state."""
    browser: str
    """SHA-256 of the cookie of the browser that left."""
    provider: str
    purpose: Purpose
    wanted: str
    """A path of this application, where it goes on afterwards."""
    challenge: str = ""
    """S256 challenge of the program that wants tokens; empty: the browser gets a session."""
    account_id: str = ""
    session_id: str = ""
    """Who left in order to link or confirm, and with which sign-in."""
    created_at: float
    expires_at: float


class IdentityStore(Protocol):
    """Links between identities and accounts. (issuer, subject) is unique by the store's promise."""

    async def find(self, issuer: str, subject: str) -> Identity | None:
        """The link of this identity."""
        ...

    async def of_account(self, account_id: str) -> Sequence[Identity]:
        """The account's links, oldest first."""
        ...

    async def adopt(self, account: Account, identity: Identity) -> Adoption:
        """Store a new account together with its first identity, both or neither, in one step.

        `identity_taken` if the identity is linked already, else `email_taken` if the e-mail has an
        account.
        """
        ...

    async def link(self, identity: Identity, *, most: int) -> Linking:
        """Link an identity in one step: `linked`; `present` if the account has it; `taken` if
        another account has it; `full` if the account has `most` of them.
        """
        ...

    async def unlink(self, account_id: str, identity_id: str, *, other_way: bool) -> Unlinking:
        """Remove a link in one step: `unlinked`; `unknown` if the account has none with this id;
        `kept` if it is the last one, the account has no password, and no `other_way` in.
        """
        ...

    async def unlink_since(self, account_id: str, since: float) -> Sequence[str]:
        """Remove, in one step, the account's links made at `since` or later; their providers."""
        ...

    async def note_use(self, identity_id: str, *, at: float, label: str) -> None:
        """Remember when it was last used and what it is called now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSignIn:
    """That an account was entered by way of a provider, where one of both may end the other."""

    id: str
    account_id: str
    provider: str
    issuer: str
    subject: str
    provider_session: str
    """The `sid` there; empty where it has none."""
    proven_at: float
    """The time of the factor in each session that began with it: by this they are found."""
    id_token: str = field(default="", repr=False)
    """Encrypted; empty where it is not needed."""
    expires_at: float


class ProviderSignInStore(Protocol):
    """Sign-ins by way of providers, for as long as their sessions may live."""

    async def remember(self, sign_in: ProviderSignIn) -> None:
        """Keep one."""
        ...

    async def find(self, account_id: str, proven_at: float) -> ProviderSignIn | None:
        """The one of the account by which something was proven at this time."""
        ...

    async def matching(
        self, issuer: str, *, subject: str, provider_session: str
    ) -> Sequence[ProviderSignIn]:
        """Those of the issuer with this subject and this session; an empty one matches any."""
        ...

    async def forget(self, ids: Sequence[str]) -> None:
        """Remove these: what began with them has ended."""
        ...

    async def prune(self, *, now: float) -> int:
        """Remove those that have expired; how many there were."""
        ...


class AuthorizationStore(Protocol):
    """Authorizations under way. A state counts once."""

    async def put(self, pending: PendingAuthorization) -> None:
        """Remember one."""
        ...

    async def consume(
        self, digest: str, *, browser: str, provider: str, now: float
    ) -> PendingAuthorization | None:
        """Remove and return it, in one step; None if it is unknown, expired, was used before, or
        belongs to another browser or provider, which leaves it where it is.
        """
        ...

    async def prune(self, *, now: float) -> int:
        """Remove those that have expired; how many there were."""
        ...
