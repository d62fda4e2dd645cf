"""Identities at other providers, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, delete, func, select, update

from zenith.accounts.store import Account
from zenith.oauth.store import Adoption, Identity, Linking, Unlinking
from zenith.stores.sql.accounts import SqlAccountStore
from zenith.stores.sql.database import Database
from zenith.stores.sql.engine import StoreConnection
from zenith.stores.sql.schema import accounts, identities


class _IdentityTakenError(Exception):
    """Undoes the transaction that made an account."""


class SqlIdentityStore:
    """Links. The unique index over issuer and subject decides who is first."""

    def __init__(self, database: Database, account_store: SqlAccountStore) -> None:
        self._database: Final = database
        self._accounts: Final = account_store

    async def find(self, issuer: str, subject: str) -> Identity | None:
        """The link of this identity."""
        statement = select(identities).where(
            identities.c.issuer == issuer, identities.c.subject == subject
        )
        row = await self._database.first(statement)
        return None if row is None else _identity(row)

    async def of_account(self, account_id: str) -> Sequence[Identity]:
        """The account's links, oldest first."""
        statement = (
            select(identities)
            .where(identities.c.account_id == account_id)
            .order_by(identities.c.created_at, identities.c.id)
        )
        return [_identity(row) for row in await self._database.rows(statement)]

    async def adopt(self, account: Account, identity: Identity) -> Adoption:
        """Store a new account with its first identity, both or neither."""
        try:
            async with self._database.transaction() as connection:
                if await self._create(connection, account, identity):
                    return "created"
        except _IdentityTakenError:
            return "identity_taken"
        # The winner of a race has committed both by now, or the e-mail is another account's.
        found = await self.find(identity.issuer, identity.subject)
        return "email_taken" if found is None else "identity_taken"

    async def link(self, identity: Identity, *, most: int) -> Linking:
        """Link an identity."""
        async with self._database.transaction() as connection:
            # Whoever links or unlinks on one account waits for the other.
            held = await self._lock(connection, identity.account_id)
            if held is None:
                return "taken"
            counted = select(func.count()).where(identities.c.account_id == identity.account_id)
            full = ((await connection.execute(counted)).scalar() or 0) >= most
            if not full and await self._insert(connection, identity):
                return "linked"
            owner = select(identities.c.account_id).where(
                identities.c.issuer == identity.issuer, identities.c.subject == identity.subject
            )
            owned_by = (await connection.execute(owner)).scalar()
            if owned_by is None:
                return "full" if full else "taken"
            return "present" if owned_by == identity.account_id else "taken"

    async def unlink(self, account_id: str, identity_id: str, *, other_way: bool) -> Unlinking:
        """Remove a link, unless the owner could not come in any more."""
        async with self._database.transaction() as connection:
            account = await self._lock(connection, account_id)
            held = select(identities.c.id).where(identities.c.account_id == account_id)
            ids = set((await connection.execute(held)).scalars())
            if account is None or identity_id not in ids:
                return "unknown"
            if len(ids) == 1 and account.password_hash is None and not other_way:
                return "kept"
            await connection.execute(delete(identities).where(identities.c.id == identity_id))
            return "unlinked"

    async def unlink_since(self, account_id: str, since: float) -> Sequence[str]:
        """Remove the links made at `since` or later; their providers."""
        gone = delete(identities).where(
            identities.c.account_id == account_id, identities.c.created_at >= since
        )
        async with self._database.transaction() as connection:
            await self._lock(connection, account_id)
            found = await connection.execute(gone.returning(identities.c.provider))
            return list(found.scalars())

    async def note_use(self, identity_id: str, *, at: float, label: str) -> None:
        """Remember when it was last used and what it is called now."""
        await self._database.count(
            update(identities)
            .where(identities.c.id == identity_id)
            .values(last_used_at=at, label=label)
        )

    async def _create(
        self, connection: StoreConnection, account: Account, identity: Identity
    ) -> bool:
        if not await self._accounts.create_within(connection, account):
            return False
        if not await self._insert(connection, identity):
            raise _IdentityTakenError
        return True

    async def _lock(
        self, connection: StoreConnection, account_id: str
    ) -> Row[*tuple[Any, ...]] | None:
        # SQLite knows no FOR UPDATE and needs none: its transaction holds the one writer's lock.
        row = select(accounts.c.password_hash).where(accounts.c.id == account_id)
        return (await connection.execute(row.with_for_update())).first()

    async def _insert(self, connection: StoreConnection, identity: Identity) -> bool:
        stored = (
            self._database.insert(identities)
            .values(
                id=identity.id,
                account_id=identity.account_id,
                issuer=identity.issuer,
                subject=identity.subject,
                provider=identity.provider,
                label=identity.label,
                created_at=identity.created_at,
                last_used_at=identity.last_used_at,
            )
            .on_conflict_do_nothing(index_elements=[identities.c.issuer, identities.c.subject])
        )
        return (await connection.execute(stored)).rowcount == 1


def _identity(row: Row[*tuple[Any, ...]]) -> Identity:
    return Identity(
        id=row.id,
        account_id=row.account_id,
        issuer=row.issuer,
        subject=row.subject,
        provider=row.provider,
        label=row.label,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
    )
