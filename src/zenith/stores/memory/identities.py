"""Identities at other providers, and who is on the way to one, in process memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from zenith.accounts.store import Account
from zenith.kernel.errors import ServiceUnavailableError
from zenith.oauth.store import Adoption, Identity, Linking, PendingAuthorization, Unlinking
from zenith.stores.memory.accounts import MemoryAccountStore


class MemoryIdentityStore:
    """Links that end with the process."""

    def __init__(self, account_store: MemoryAccountStore) -> None:
        self._accounts: Final = account_store
        self._identities: Final[dict[tuple[str, str], Identity]] = {}

    async def find(self, issuer: str, subject: str) -> Identity | None:
        """The link of this identity."""
        return self._identities.get((issuer, subject))

    async def of_account(self, account_id: str) -> Sequence[Identity]:
        """The account's links, oldest first."""
        found = [each for each in self._identities.values() if each.account_id == account_id]
        return sorted(found, key=lambda each: (each.created_at, each.id))

    async def adopt(self, account: Account, identity: Identity) -> Adoption:
        """Store a new account with its first identity, both or neither."""
        key = identity.issuer, identity.subject
        if key in self._identities:
            return "identity_taken"
        if not await self._accounts.create(account):
            return "email_taken"
        self._identities[key] = identity
        return "created"

    async def link(self, identity: Identity, *, most: int) -> Linking:
        """Link an identity."""
        key = identity.issuer, identity.subject
        held = self._identities.get(key)
        if held is not None:
            return "present" if held.account_id == identity.account_id else "taken"
        if await self._accounts.by_id(identity.account_id) is None:
            return "taken"
        if len(await self.of_account(identity.account_id)) >= most:
            return "full"
        self._identities[key] = identity
        return "linked"

    async def unlink(self, account_id: str, identity_id: str, *, other_way: bool) -> Unlinking:
        """Remove a link, unless the owner could not come in any more."""
        account = await self._accounts.by_id(account_id)
        own = {each.id: each for each in await self.of_account(account_id)}
        found = own.get(identity_id)
        if account is None or found is None:
            return "unknown"
        if len(own) == 1 and account.password_hash is None and not other_way:
            return "kept"
        del self._identities[found.issuer, found.subject]
        return "unlinked"

    async def unlink_since(self, account_id: str, since: float) -> Sequence[str]:
        """Remove the links made at `since` or later; their providers."""
        gone = [each for each in await self.of_account(account_id) if each.created_at >= since]
        for each in gone:
            del self._identities[each.issuer, each.subject]
        return [each.provider for each in gone]

    async def note_use(self, identity_id: str, *, at: float, label: str) -> None:
        """Remember when it was last used and what it is called now."""
        for key, each in self._identities.items():
            if each.id == identity_id:
                self._identities[key] = replace(each, last_used_at=at, label=label)


class MemoryAuthorizationStore:
    """States that end with the process. Beyond `max_entries` nobody else leaves for a provider
    until some have expired.
    """

    def __init__(self, *, max_entries: int = 100_000) -> None:
        self._max: Final = max_entries
        self._pending: Final[dict[str, PendingAuthorization]] = {}

    async def put(self, pending: PendingAuthorization) -> None:
        """Remember one; raises ServiceUnavailableError where there is no room."""
        if len(self._pending) >= self._max:
            await self.prune(now=pending.created_at)
        if len(self._pending) >= self._max:
            raise ServiceUnavailableError(reason=f"memory holds {self._max} states already")
        self._pending[pending.digest] = pending

    async def consume(
        self, digest: str, *, browser: str, provider: str, now: float
    ) -> PendingAuthorization | None:
        """Remove and return it, in one step."""
        found = self._pending.get(digest)
        if found is None or (found.browser, found.provider) != (browser, provider):
            return None
        if found.expires_at <= now:
            return None
        return self._pending.pop(digest)

    async def prune(self, *, now: float) -> int:
        """Remove those that have expired; how many there were."""
        expired = [key for key, each in self._pending.items() if each.expires_at <= now]
        for key in expired:
            del self._pending[key]
        return len(expired)
