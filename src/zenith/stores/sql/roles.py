"""Roles in SQL: their definitions, and who holds them where and until when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

from sqlalchemy import (
    Text,
    and_,
    delete,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union,
    union_all,
    update,
)
from sqlalchemy import cast as as_type
from sqlalchemy.types import Double

from zenith.rbac import EVERYWHERE, RoleAssignment, RoleDefinition, StoredRoles
from zenith.rbac.store import GrantOutcome, RevokeOutcome
from zenith.stores.sql.accounts import ROLES_LOCK, is_last_holder
from zenith.stores.sql.database import Database, Rows
from zenith.stores.sql.engine import StoreConnection
from zenith.stores.sql.schema import (
    account_roles,
    accounts,
    role_assignments,
    role_versions,
    roles,
)

DEFINITIONS: Final = "definitions"
_VERSION: Final = select(role_versions.c.version).where(role_versions.c.name == DEFINITIONS)
_LIMITED: Final = select(
    role_assignments.c.account_id,
    role_assignments.c.role,
    role_assignments.c.tenant,
    role_assignments.c.expires_at,
    role_assignments.c.granted_by,
    role_assignments.c.granted_at,
)
_LASTING: Final = select(
    account_roles.c.account_id,
    account_roles.c.role,
    literal(EVERYWHERE, Text).label("tenant"),
    as_type(null(), Double).label("expires_at"),
    func.coalesce(account_roles.c.granted_by, "").label("granted_by"),
    account_roles.c.granted_at,
)
# Version and definitions in one statement, and so of one moment.
_ALL: Final = select(
    func.coalesce(_VERSION.scalar_subquery(), 0).label("version"), roles
).select_from(select(literal(1).label("one")).subquery().outerjoin(roles, literal(value=True)))


class SqlRoleStore:
    """Roles; a change of a definition and its version are one transaction."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def version(self) -> int:
        """Grows with each change of a definition."""
        row = await self._database.first(_VERSION)
        return 0 if row is None else cast("int", row.version)

    async def load(self) -> StoredRoles:
        """The definitions and their version, of one moment."""
        rows = await self._database.rows(_ALL)
        return StoredRoles(
            version=rows[0].version,
            definitions=tuple(_definition(row) for row in rows if row.name is not None),
        )

    async def put(self, definition: RoleDefinition, *, expected: int, fresh: bool) -> bool:
        """Store or replace a definition; False unless `expected` is the version."""
        async with self._database.transaction() as connection:
            if not await self._advance(connection, expected):
                return False
            if fresh:
                await self._release(connection, definition.name)
            await self._store(connection, definition)
            return True

    async def rename(
        self, former: str, definition: RoleDefinition, *, expected: int
    ) -> Sequence[str] | None:
        """Replace a definition by one of another name, and give its holders that one."""
        async with self._database.transaction() as connection:
            if not await self._advance(connection, expected):
                return None
            await self._release(connection, definition.name)
            await connection.execute(delete(roles).where(roles.c.name == former))
            await self._store(connection, definition)
            held = await self._holders_of(connection, former)
            for table in (account_roles, role_assignments):
                await connection.execute(
                    update(table).where(table.c.role == former).values(role=definition.name)
                )
            return held

    async def remove(self, name: str, *, expected: int, release: bool) -> Sequence[str] | None:
        """Forget a definition, and with `release` all assignments of the role."""
        async with self._database.transaction() as connection:
            if not await self._advance(connection, expected):
                return None
            await connection.execute(delete(roles).where(roles.c.name == name))
            if not release:
                return ()
            held = await self._holders_of(connection, name)
            await self._release(connection, name)
            return held

    async def assignments(self, account_id: str) -> Sequence[RoleAssignment]:
        """Every assignment of the account; the lasting ones first."""
        lasting = await self._database.rows(
            _LASTING.where(account_roles.c.account_id == account_id).order_by(
                account_roles.c.position
            )
        )
        return [*_assignments(lasting), *await self.limited(account_id)]

    async def limited(self, account_id: str) -> Sequence[RoleAssignment]:
        """Those of them that have a tenant or an end."""
        return _assignments(
            await self._database.rows(
                _LIMITED.where(role_assignments.c.account_id == account_id).order_by(
                    role_assignments.c.role, role_assignments.c.tenant
                )
            )
        )

    async def holders(
        self, role: str, *, after: tuple[str, str] | None, limit: int
    ) -> Sequence[RoleAssignment]:
        """Assignments of the role in the order of account and tenant, those after `after`."""
        found = union_all(
            _LASTING.where(account_roles.c.role == role),
            _LIMITED.where(role_assignments.c.role == role),
        ).subquery()
        wanted = select(found).order_by(found.c.account_id, found.c.tenant).limit(max(0, limit))
        if after is not None:
            account_id, tenant = after
            later = and_(found.c.account_id == account_id, found.c.tenant > tenant)
            wanted = wanted.where(or_(found.c.account_id > account_id, later))
        return _assignments(await self._database.rows(wanted))

    async def grant(self, assignment: RoleAssignment, *, expected: int) -> GrantOutcome:
        """Give a role, or change until when it is held."""
        async with self._database.transaction() as connection:
            await self._database.lock(connection, ROLES_LOCK)
            if await self._version(connection) != expected:
                return "outdated"
            known = select(accounts.c.id).where(accounts.c.id == assignment.account_id)
            if (await connection.execute(known)).first() is None:
                return "unknown"
            if await self._is_lasting(connection, assignment):
                return "unchanged" if assignment.is_lasting else "held"
            if assignment.is_lasting:
                await connection.execute(_same(assignment))
                await self._hold(connection, assignment)
                return "granted"
            return await self._assign(connection, assignment)

    async def revoke(
        self, account_id: str, role: str, tenant: str, *, keep_one: str | None
    ) -> RevokeOutcome:
        """Take a role away in `tenant`, unless the last unlocked holder of `keep_one` would lose
        it.
        """
        gone = RoleAssignment(account_id=account_id, role=role, tenant=tenant)
        async with self._database.transaction() as connection:
            await self._database.lock(connection, ROLES_LOCK)
            count = (await connection.execute(_same(gone))).rowcount
            if tenant == EVERYWHERE and await self._is_lasting(connection, gone):
                if role == keep_one and await is_last_holder(connection, account_id, role):
                    return "kept"
                await connection.execute(
                    delete(account_roles).where(
                        account_roles.c.account_id == account_id, account_roles.c.role == role
                    )
                )
                count += 1
            return "revoked" if count else "unknown"

    async def prune(self, now: float) -> int:
        """Remove assignments that have ended; how many there were."""
        return await self._database.count(
            delete(role_assignments).where(role_assignments.c.expires_at <= now)
        )

    async def _version(self, connection: StoreConnection) -> int:
        row = (await connection.execute(_VERSION)).first()
        return 0 if row is None else cast("int", row.version)

    async def _advance(self, connection: StoreConnection, expected: int) -> bool:
        await self._database.lock(connection, ROLES_LOCK)
        if await self._version(connection) != expected:
            return False
        row = self._database.insert(role_versions).values(name=DEFINITIONS, version=expected + 1)
        await connection.execute(
            row.on_conflict_do_update(
                index_elements=[role_versions.c.name], set_={"version": expected + 1}
            )
        )
        return True

    async def _store(self, connection: StoreConnection, definition: RoleDefinition) -> None:
        values: dict[str, Any] = {
            "permissions": list(definition.permissions),
            "inherits": list(definition.inherits),
            "level": definition.level,
            "description": definition.description,
            "changed_at": definition.changed_at,
            "changed_by": definition.changed_by,
        }
        row = self._database.insert(roles).values(name=definition.name, **values)
        await connection.execute(
            row.on_conflict_do_update(index_elements=[roles.c.name], set_=values)
        )

    async def _release(self, connection: StoreConnection, role: str) -> None:
        for table in (account_roles, role_assignments):
            await connection.execute(delete(table).where(table.c.role == role))

    async def _holders_of(self, connection: StoreConnection, role: str) -> list[str]:
        ids = union(
            select(account_roles.c.account_id).where(account_roles.c.role == role),
            select(role_assignments.c.account_id).where(role_assignments.c.role == role),
        )
        return [row[0] for row in (await connection.execute(ids)).all()]

    async def _is_lasting(self, connection: StoreConnection, wanted: RoleAssignment) -> bool:
        if wanted.tenant != EVERYWHERE:
            return False
        held = select(
            exists().where(
                account_roles.c.account_id == wanted.account_id,
                account_roles.c.role == wanted.role,
            )
        )
        return bool((await connection.execute(held)).scalar_one())

    async def _hold(self, connection: StoreConnection, assignment: RoleAssignment) -> None:
        last = select(func.coalesce(func.max(account_roles.c.position), -1)).where(
            account_roles.c.account_id == assignment.account_id
        )
        position: int = (await connection.execute(last)).scalar_one() + 1
        await connection.execute(
            self._database.insert(account_roles).values(
                account_id=assignment.account_id,
                role=assignment.role,
                position=position,
                granted_by=assignment.granted_by,
                granted_at=assignment.granted_at,
            )
        )

    async def _assign(
        self, connection: StoreConnection, assignment: RoleAssignment
    ) -> GrantOutcome:
        values: dict[str, Any] = {
            "expires_at": assignment.expires_at,
            "granted_by": assignment.granted_by,
            "granted_at": assignment.granted_at,
        }
        row = self._database.insert(role_assignments).values(
            account_id=assignment.account_id,
            role=assignment.role,
            tenant=assignment.tenant,
            **values,
        )
        other = role_assignments.c.expires_at.is_distinct_from(assignment.expires_at)
        stored = row.on_conflict_do_update(
            index_elements=[
                role_assignments.c.account_id,
                role_assignments.c.role,
                role_assignments.c.tenant,
            ],
            set_=values,
            where=other,
        )
        return "granted" if (await connection.execute(stored)).rowcount else "unchanged"


def _same(assignment: RoleAssignment) -> Any:
    return delete(role_assignments).where(
        role_assignments.c.account_id == assignment.account_id,
        role_assignments.c.role == assignment.role,
        role_assignments.c.tenant == assignment.tenant,
    )


def _definition(row: Any) -> RoleDefinition:
    return RoleDefinition(
        name=row.name,
        permissions=_texts(row.permissions),
        inherits=_texts(row.inherits),
        level=row.level,
        description=row.description,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
    )


def _texts(value: object) -> tuple[str, ...]:
    """What a hand wrote into the column may be anything."""
    if not isinstance(value, list):
        return ()
    return tuple(each for each in cast("list[object]", value) if isinstance(each, str))


def _assignments(rows: Rows) -> list[RoleAssignment]:
    return [
        RoleAssignment(
            account_id=row.account_id,
            role=row.role,
            tenant=row.tenant,
            expires_at=row.expires_at,
            granted_by=row.granted_by,
            granted_at=row.granted_at,
        )
        for row in rows
    ]
