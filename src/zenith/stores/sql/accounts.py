"""Accounts in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Function,
    Integer,
    Row,
    Select,
    delete,
    func,
    select,
    update,
)

from zenith.accounts.model import AccountModel
from zenith.accounts.store import Account, DeleteOutcome, LockOutcome
from zenith.stores.sql.database import Database, Rows
from zenith.stores.sql.engine import StoreConnection
from zenith.stores.sql.schema import account_roles, accounts, refresh_families, sessions

_SIGNED_IN: Final = f"UPDATE {accounts.name} SET last_sign_in_at = ? WHERE id = ?"  # noqa: S608  names of our own
ROLES_LOCK: Final = 0x7A656E_01
"""Held by whatever must know that a role still has, or has not yet, a holder."""

_WITH_ROLES: Final = (
    select(accounts, account_roles.c.role)
    .outerjoin_from(accounts, account_roles, account_roles.c.account_id == accounts.c.id)
    .order_by(accounts.c.email_key, account_roles.c.position)
)


class SqlAccountStore:
    """Accounts; a role that somebody holds is a row of its own, so that holders can be counted."""

    def __init__(self, database: Database, model: AccountModel | None = None) -> None:
        self._database: Final = database
        self._model: Final = model or AccountModel()

    async def create(self, account: Account) -> bool:
        """Store a new account; False, and nothing stored, if `email_key` is taken.

        Raises ConflictError if the id is taken.
        """
        async with self._database.transaction() as connection:
            return await self.create_within(connection, account)

    async def create_within(self, connection: StoreConnection, account: Account) -> bool:
        """`create` as one step of a transaction that stores more."""
        await self._database.lock(connection, ROLES_LOCK, shared=True)
        return await self._insert(connection, account)

    async def create_first(self, account: Account, *, role: str) -> bool:
        """Store the account only if none holds `role` yet, in one step; False otherwise or if
        `email_key` is taken.
        """
        async with self._database.transaction() as connection:
            await self._database.lock(connection, ROLES_LOCK)
            if (await connection.execute(_holders(role).limit(1))).first() is not None:
                return False
            return await self._insert(connection, account)

    async def by_id(self, account_id: str) -> Account | None:
        """The account with this id."""
        return await self._one(_WITH_ROLES.where(accounts.c.id == account_id))

    async def by_email(self, email_key: str) -> Account | None:
        """The account with this canonical e-mail."""
        return await self._one(_WITH_ROLES.where(accounts.c.email_key == email_key))

    async def set_password(
        self, account_id: str, password_hash: str, *, expected: str | None, changed_at: float | None
    ) -> bool:
        """Replace the hash if it is still `expected`; False if another change was first."""
        values: dict[str, Any] = {"password_hash": password_hash}
        if changed_at is not None:
            values["password_changed_at"] = changed_at
        same = (
            accounts.c.password_hash.is_(None)
            if expected is None
            else accounts.c.password_hash == expected
        )
        changed = update(accounts).where(accounts.c.id == account_id, same).values(values)
        return await self._database.count(changed) == 1

    async def set_locked(
        self, account_id: str, locked_at: float | None, *, keep_one: str | None
    ) -> LockOutcome:
        """Lock (a time) or unlock (None), in one step: `changed`; `unchanged` if there is no such
        account or it is so already; `kept` if it is the last unlocked holder of the role
        `keep_one` and would be locked.
        """
        is_open = accounts.c.locked_at.is_(None)
        change = (
            update(accounts)
            .where(accounts.c.id == account_id, ~is_open if locked_at is None else is_open)
            .values(locked_at=locked_at)
        )
        if locked_at is None:
            return "changed" if await self._database.count(change) else "unchanged"
        async with self._database.transaction() as connection:
            await self._database.lock(connection, ROLES_LOCK)
            if keep_one is not None and await is_last_holder(connection, account_id, keep_one):
                return "kept"
            return "changed" if (await connection.execute(change)).rowcount else "unchanged"

    async def set_roles(
        self, account_id: str, roles: Iterable[str], *, keep_one: str | None
    ) -> bool:
        """Replace the roles; False if there is no such account, or if it is the last unlocked
        holder of the role `keep_one` and would lose it. One step.
        """
        wanted = tuple(dict.fromkeys(roles))
        known = select(accounts.c.id).where(accounts.c.id == account_id)
        async with self._database.transaction() as connection:
            await self._database.lock(connection, ROLES_LOCK)
            if (await connection.execute(known)).first() is None:
                return False
            loses = keep_one is not None and keep_one not in wanted
            if loses and await is_last_holder(connection, account_id, keep_one or ""):
                return False
            await connection.execute(
                delete(account_roles).where(
                    account_roles.c.account_id == account_id, account_roles.c.role.not_in(wanted)
                )
            )
            await self._insert_roles(connection, account_id, wanted)
            return True

    async def set_permissions(
        self, account_id: str, permissions: Iterable[str], *, expected: Sequence[str]
    ) -> bool:
        """Replace the account's own permissions if they are still `expected`. One step."""
        mine = accounts.c.id == account_id
        present = select(accounts.c.permissions).where(mine).with_for_update()
        async with self._database.transaction() as connection:
            row = (await connection.execute(present)).first()
            if row is None or row.permissions != list(expected):
                return False
            await connection.execute(
                update(accounts).where(mine).values(permissions=list(permissions))
            )
            return True

    async def update_profile(self, account_id: str, changes: Mapping[str, object]) -> bool:
        """Set columns of the application's own, in one step; those not named stay."""
        checked = self._model.checked(changes)
        present = select(accounts.c.profile).where(accounts.c.id == account_id).with_for_update()
        async with self._database.transaction() as connection:
            row = (await connection.execute(present)).first()
            if row is None:
                return False
            await connection.execute(
                update(accounts)
                .where(accounts.c.id == account_id)
                .values(profile={**(row.profile or {}), **checked})
            )
            return True

    async def delete(self, account_id: str, *, keep_one: str | None) -> DeleteOutcome:
        """Remove the account and what belongs to it, its sign-ins included, in one step."""
        async with self._database.transaction() as connection:
            await self._database.lock(connection, ROLES_LOCK)
            if keep_one is not None and await is_last_holder(connection, account_id, keep_one):
                return "kept"
            for table in (sessions, refresh_families):
                await connection.execute(delete(table).where(table.c.account_id == account_id))
            # Roles, links and factors refer to the account and go with it.
            gone = await connection.execute(delete(accounts).where(accounts.c.id == account_id))
            return "deleted" if gone.rowcount else "unknown"

    async def note_sign_in(self, account_id: str, at: float) -> None:
        """Remember the last sign-in."""
        await self._database.write(_SIGNED_IN, at, account_id)

    async def page(self, *, after: str | None, limit: int, search: str = "") -> Sequence[Account]:
        """Accounts ordered by `email_key`, those after the key `after`; `search` is a literal
        part of the key.
        """
        keys = select(accounts.c.id).order_by(accounts.c.email_key).limit(max(0, limit))
        if after is not None:
            keys = keys.where(accounts.c.email_key > after)
        if search:
            keys = keys.where(self._position(accounts.c.email_key, search) > 0)
        return self._accounts(await self._database.rows(_WITH_ROLES.where(accounts.c.id.in_(keys))))

    async def has_role(self, role: str) -> bool:
        """Whether any account holds `role` directly."""
        return await self._database.first(_holders(role).limit(1)) is not None

    def _position(self, column: ColumnElement[str], part: str) -> Function[int]:
        # No LIKE: there is no wildcard to escape, and SQLite's would ignore the case.
        find = func.instr if self._database.dialect == "sqlite" else func.strpos
        return find(column, part, type_=Integer)

    async def _insert(self, connection: StoreConnection, account: Account) -> bool:
        stored = (
            self._database.insert(accounts)
            .values(
                id=account.id,
                email=account.email,
                email_key=account.email_key,
                name=account.name,
                password_hash=account.password_hash,
                permissions=list(account.permissions),
                created_at=account.created_at,
                locked_at=account.locked_at,
                email_verified_at=account.email_verified_at,
                password_changed_at=account.password_changed_at,
                last_sign_in_at=account.last_sign_in_at,
                profile=self._model.dump(account),
            )
            .on_conflict_do_nothing(index_elements=[accounts.c.email_key])
        )
        if (await connection.execute(stored)).rowcount != 1:
            return False
        await self._insert_roles(connection, account.id, tuple(dict.fromkeys(account.roles)))
        return True

    async def _insert_roles(
        self, connection: StoreConnection, account_id: str, roles: Sequence[str]
    ) -> None:
        rows = [
            {"account_id": account_id, "role": role, "position": position}
            for position, role in enumerate(roles)
        ]
        fresh = self._database.insert(account_roles)
        # What is held already stays, with who granted it.
        placed = fresh.on_conflict_do_update(
            index_elements=[account_roles.c.account_id, account_roles.c.role],
            set_={"position": fresh.excluded.position},
        )
        if rows:
            await connection.execute(placed, rows)

    async def _one(self, statement: Select[*tuple[Any, ...]]) -> Account | None:
        found = self._accounts(await self._database.rows(statement))
        return found[0] if found else None

    def _accounts(self, rows: Rows) -> list[Account]:
        roles: dict[str, list[str]] = {}
        for row in rows:
            held = roles.setdefault(row.id, [])
            if row.role is not None:
                held.append(row.role)
        found = {row.id: row for row in rows}
        return [
            self._model.load(row.profile or {}, _values(row, tuple(roles[account_id])))
            for account_id, row in found.items()
        ]


def _holders(role: str) -> Select[*tuple[Any, ...]]:
    return select(account_roles.c.account_id).where(account_roles.c.role == role)


async def is_last_holder(connection: StoreConnection, account_id: str, role: str) -> bool:
    """Whether no other open account holds `role`; the caller holds `ROLES_LOCK`."""
    open_holders = (
        _holders(role)
        .join_from(account_roles, accounts, account_roles.c.account_id == accounts.c.id)
        .where(accounts.c.locked_at.is_(None))
    )
    is_holder = open_holders.where(account_roles.c.account_id == account_id)
    others = open_holders.where(account_roles.c.account_id != account_id)
    if (await connection.execute(is_holder)).first() is None:
        return False
    return (await connection.execute(others.limit(1))).first() is None


def _values(row: Row[*tuple[Any, ...]], roles: tuple[str, ...]) -> dict[str, Any]:
    return {
        "id": row.id,
        "email": row.email,
        "email_key": row.email_key,
        "name": row.name,
        "password_hash": row.password_hash,
        "roles": roles,
        "permissions": tuple(row.permissions),
        "created_at": row.created_at,
        "locked_at": row.locked_at,
        "email_verified_at": row.email_verified_at,
        "password_changed_at": row.password_changed_at,
        "last_sign_in_at": row.last_sign_in_at,
    }
