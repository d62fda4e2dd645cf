"""Versions of policies and recorded decisions, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, delete, insert, literal, select

from zenith.policies.store import Activation, PolicyVersion, RecordedDecision
from zenith.stores.sql.database import Database
from zenith.stores.sql.schema import policy_activations, policy_decisions, policy_versions

_ACTIVATION: Final = (
    "policy",
    "revision",
    "number",
    "activated_at",
    "activated_by",
    "reason",
)


class SqlPolicyStore:
    """One row for each version and each activation, inserted and never changed."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def add(self, version: PolicyVersion) -> bool:
        """Keep a version unless its number is taken, in one atomic step."""
        fresh = self._database.insert(policy_versions).values(
            policy=version.policy,
            number=version.number,
            source=version.source,
            format=version.format,
            digest=version.digest,
            created_at=version.created_at,
            created_by=version.created_by,
            reason=version.reason,
        )
        return await self._database.count(fresh.on_conflict_do_nothing()) == 1

    async def version(self, policy: str, number: int) -> PolicyVersion | None:
        """One version."""
        table = policy_versions
        wanted = select(table).where(table.c.policy == policy, table.c.number == number)
        row = await self._database.first(wanted)
        return None if row is None else _version(row)

    async def versions(
        self, policy: str, *, limit: int, before: int | None = None
    ) -> Sequence[PolicyVersion]:
        """The newest versions, those with numbers below `before`."""
        table = policy_versions
        wanted = select(table).where(table.c.policy == policy)
        if before is not None:
            wanted = wanted.where(table.c.number < before)
        newest = wanted.order_by(table.c.number.desc()).limit(limit)
        return [_version(row) for row in await self._database.rows(newest)]

    async def activate(self, activation: Activation) -> bool:
        """Put a version in force, in one atomic step, unless its revision is not the next one."""
        table, versions = policy_activations, policy_versions
        former = table.alias("former")
        known = (
            select(versions.c.number)
            .where(versions.c.policy == activation.policy, versions.c.number == activation.number)
            .exists()
        )
        before = (
            select(former.c.revision)
            .where(
                former.c.policy == activation.policy,
                former.c.revision == activation.revision - 1,
            )
            .exists()
        )
        values = [literal(getattr(activation, name), table.c[name].type) for name in _ACTIVATION]
        wanted = select(*values).where(known)
        if activation.revision != 1:
            wanted = wanted.where(before)
        fresh = self._database.insert(table).from_select(list(_ACTIVATION), wanted)
        return await self._database.count(fresh.on_conflict_do_nothing()) == 1

    async def active(self, policy: str) -> Activation | None:
        """The activation that holds; None where the policy never had one."""
        found = await self.activations(policy, limit=1)
        return found[0] if found else None

    async def activations(self, policy: str, *, limit: int) -> Sequence[Activation]:
        """The newest activations."""
        table = policy_activations
        wanted = select(table).where(table.c.policy == policy)
        newest = wanted.order_by(table.c.revision.desc()).limit(limit)
        return [
            Activation(
                policy=row.policy,
                revision=row.revision,
                number=row.number,
                activated_at=row.activated_at,
                activated_by=row.activated_by,
                reason=row.reason,
            )
            for row in await self._database.rows(newest)
        ]


class SqlDecisionStore:
    """One row for each decision, the oldest deleted as new ones come."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def add(self, decisions: Sequence[RecordedDecision], *, keep: int) -> None:
        """Keep `decisions`, and the newest `keep` of each policy in them."""
        if not decisions:
            return
        table = policy_decisions
        rows = [
            {
                "policy": each.policy,
                "number": each.number,
                "at": each.at,
                "action": each.action,
                "allowed": each.allowed,
                "facts": dict(each.facts),
            }
            for each in decisions
        ]
        async with self._database.transaction() as connection:
            await connection.execute(insert(table), rows)
            for policy in sorted({each.policy for each in decisions}):
                too_old = (
                    select(table.c.id)
                    .where(table.c.policy == policy)
                    .order_by(table.c.id.desc())
                    .offset(keep)
                    .limit(1)
                    .scalar_subquery()
                )
                old = delete(table).where(table.c.policy == policy, table.c.id <= too_old)
                await connection.execute(old)

    async def recent(self, policy: str, *, limit: int) -> Sequence[RecordedDecision]:
        """The newest decisions of a policy, the newest first."""
        table = policy_decisions
        wanted = select(table).where(table.c.policy == policy)
        newest = wanted.order_by(table.c.id.desc()).limit(limit)
        return [_decision(row) for row in await self._database.rows(newest)]

    async def forget(self, policy: str) -> int:
        """Delete a policy's decisions; how many there were."""
        table = policy_decisions
        return await self._database.count(delete(table).where(table.c.policy == policy))


def _version(row: Row[*tuple[Any, ...]]) -> PolicyVersion:
    return PolicyVersion(
        policy=row.policy,
        number=row.number,
        source=row.source,
        format=row.format,
        digest=row.digest,
        created_at=row.created_at,
        created_by=row.created_by,
        reason=row.reason,
    )


def _decision(row: Row[*tuple[Any, ...]]) -> RecordedDecision:
    return RecordedDecision(
        policy=row.policy,
        number=row.number,
        at=row.at,
        action=row.action,
        allowed=row.allowed,
        facts=row.facts,
    )
