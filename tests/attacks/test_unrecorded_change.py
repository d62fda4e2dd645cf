"""Attack: make the process die between a change and its record, so that nobody hears of the change.

An administrator who locks, appoints or deletes while the machine is pushed over; a thief who fills
the disk first. A change and its record are one transaction: whenever the process is killed, both
are there or neither is.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.accounts.application import ALICE, make_app, running
from tests.conftest import sqlite_template
from zenith.abuse.bans import Bans
from zenith.accounts import Account, RoleChange
from zenith.api_keys import KeyRequest
from zenith.api_keys.actor import Actor
from zenith.assembly.cleanup import Cleanups
from zenith.cli.accounts import operator
from zenith.kernel.errors import ConfigurationError, SecurityError
from zenith.kernel.events import Event, EventSink, EventType
from zenith.kernel.principal import Principal
from zenith.mfa.store import TotpRecord
from zenith.oauth.store import Identity
from zenith.policies.versions import PolicyVersions
from zenith.rbac import RoleDefinition
from zenith.stores.sql import (
    Database,
    SqlAccountStore,
    SqlAuditStore,
    SqlFactorStore,
    SqlIdentityStore,
    SqlPolicyStore,
)
from zenith.stores.sql.schema import metadata

__all__ = ["sqlite_template"]

PROGRAM = """
import asyncio, os, signal, sys
from zenith.accounts import Account
from zenith.audit import AuditLog
from zenith.kernel.events import Event, EventType
from zenith.kernel.one_step import one_step
from zenith.stores.sql import Database, SqlAccountStore, SqlAuditStore

def die():
    os.kill(os.getpid(), signal.SIGKILL)

async def step(path, when):
    database = Database(f"sqlite:///{path}")
    accounts, log = SqlAccountStore(database), AuditLog(SqlAuditStore(database))
    event = Event(type=EventType.ACCOUNT_CREATED, outcome="success", at=1.0, target="a")
    async def last(connection):
        if when == "last":
            die()
    async with one_step():
        await accounts.create(Account(id="a", email="a@b.c", email_key="a@b.c", created_at=0.0))
        if when == "changed":
            die()
        await log.record(event)
        if when == "recorded":
            die()
        await database.at_end(last)
    die()

for path in sys.argv[1:]:
    child = os.fork()
    if not child:
        asyncio.run(step(path, os.path.basename(path)))
    print(os.waitpid(child, 0)[1])
"""
MOMENTS: Mapping[str, int] = {"changed": 0, "recorded": 0, "last": 0, "kept": 1}


async def _kept(path: Path) -> tuple[int, int]:
    async with Database(f"sqlite:///{path}") as database:
        accounts = await SqlAccountStore(database).page(after=None, limit=10, search="")
        events = await SqlAuditStore(database).page()
    return len(accounts), len(events)


async def test_both_or_neither_survive(sqlite_template: Path, tmp_path: Path) -> None:
    paths = [tmp_path / when for when in MOMENTS]
    for path in paths:
        shutil.copy(sqlite_template, path)
    program = [sys.executable, "-c", PROGRAM, *map(str, paths)]
    done = subprocess.run(program, check=True, capture_output=True, text=True)  # noqa: ASYNC221
    assert done.stdout.split() == ["9"] * len(paths), done.stderr
    found = {path.name: await _kept(path) for path in paths}
    assert found == {when: (count, count) for when, count in MOMENTS.items()}


TRIGGER = "CREATE TRIGGER full BEFORE INSERT ON zenith_audit_events BEGIN {} END"
FULL = TRIGGER.format("SELECT RAISE(ABORT, 'the disk is full');")
FLEETING = {
    "zenith_audit_events",
    "zenith_audit_seals",
    "zenith_revocations",
    "zenith_mail_queue",
}
"""What may say more than was done, or is sent meanwhile."""
POLICY = '{"name": "papers", "rules": [{"action": "read", "effect": "allow", "conditions": []}]}'
BOB = Account(id="bob", email="bob@b.example", email_key="bob@b.example", created_at=0.0)


class Office:
    """Everything that an operator can change, on a database whose log can be full."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.database: Database = app.assembly.database
        self.bans: Bans = app.assembly.services[Bans]
        sink: EventSink = app.assembly.services[EventSink]
        self.versions = PolicyVersions(SqlPolicyStore(self.database), events=sink)
        parts: Any = SimpleNamespace(
            database=self.database,
            events=sink,
            revocations=app.assembly.revocations,
            account_store=app.accounts.store,
        )
        self.cleanups = Cleanups(parts)

    @property
    def root(self) -> Principal:
        """Holds every role that there is by now."""
        return operator(self.app.assembly)

    async def rows(self) -> dict[str, list[Any]]:
        names = {table.name for table in metadata.sorted_tables} - FLEETING
        return {name: await self.database.plain(f"SELECT * FROM {name}") for name in names}  # noqa: S608

    async def events(self) -> list[Event]:
        found = await SqlAuditStore(self.database).page(limit=1000)
        return [each.event for each in found]

    async def refused(self, change: Callable[[], Awaitable[object]]) -> bool:
        await self.database.write(FULL)
        try:
            await change()
        except (SecurityError, ConfigurationError):
            return True
        finally:
            await self.database.write("DROP TRIGGER full")
        return False


def changes(office: Office) -> Iterator[tuple[EventType, Callable[[], Awaitable[object]]]]:
    """In this order, for each builds on those before it."""
    accounts: Any = office.app.accounts
    who: dict[str, Any] = {"client": ALICE}
    keys, bans = office.app.assembly.api_keys, office.bans
    roles, given, staff = accounts.roles, accounts.assignments, accounts.administration
    editor = RoleDefinition(name="editor", permissions=("papers:read",))
    yield EventType.ROLE_CREATED, lambda: roles.create(office.root, editor, **who)
    wider = RoleChange(permissions=("papers:read", "papers:write"))
    yield EventType.ROLE_CHANGED, lambda: roles.change(office.root, "editor", wider, **who)
    yield EventType.ROLE_GRANTED, lambda: given.grant(office.root, "bob", "editor", **who)
    other = RoleChange(name="writer")
    yield EventType.ROLE_CHANGED, lambda: roles.change(office.root, "editor", other, **who)
    yield EventType.ROLE_REVOKED, lambda: given.revoke(office.root, "bob", "writer", **who)
    lent: dict[str, Any] = {"tenant": "t", "expires_at": 4e9, **who}
    yield EventType.ROLE_GRANTED, lambda: given.grant(office.root, "bob", "writer", **lent)
    yield EventType.ROLE_DELETED, lambda: roles.delete(office.root, "writer", **who)
    more = ["papers:read"]
    yield EventType.ROLES_CHANGED, lambda: given.set_permissions(office.root, "bob", more, **who)
    yield EventType.ROLES_CHANGED, lambda: staff.set_roles(office.root, "bob", ["moderator"], **who)
    yield EventType.ACCOUNT_LOCKED, lambda: staff.lock(office.root, "bob", **who)
    yield EventType.ACCOUNT_UNLOCKED, lambda: staff.unlock(office.root, "bob", **who)
    why: dict[str, Any] = {"by": "root", "reason": "it is needed"}
    yield EventType.POLICY_ACTIVATED, lambda: office.versions.activate("papers", 1, **why)
    wanted = KeyRequest(name="k", owner_id="bob")
    yield EventType.API_KEY_CREATED, lambda: keys.issue(Actor.local(office.root), wanted)
    end: dict[str, Any] = {"since": 0.0, "reason": "a thief", **who}
    yield EventType.API_KEY_REVOKED, lambda: office.cleanups.end_keys("bob", **end)
    yield EventType.IDENTITY_UNLINKED, lambda: office.cleanups.unlink("bob", **end)
    yield EventType.FACTOR_REMOVED, lambda: office.cleanups.remove_factors("bob", **end)
    yield EventType.BAN_BEGAN, lambda: bans.ban("192.0.2.9", reason="noise", by="root")
    yield EventType.BAN_LIFTED, lambda: bans.lift("192.0.2.9", by="root")


async def test_nothing_changes_that_cannot_be_recorded(tmp_path: Path) -> None:
    """ASVS 16.3.3: a log that takes nothing stops every change, and no retry passes in silence."""
    async with running(make_app(tmp_path)) as app:  # type: ignore[no-untyped-call]
        office = Office(app)
        await app.accounts.store.create(BOB)
        await office.versions.add(POLICY, "json", by="root", reason="first")
        link = Identity(id="i", account_id="bob", issuer="https://i", subject="s", provider="p",
                        label="b", created_at=1.0, last_used_at=1.0)  # fmt: skip
        assert await SqlIdentityStore(office.database, app.accounts.store).link(link, most=9)
        app_factor = TotpRecord(
            account_id="bob", secret="s", last_step=0, created_at=1.0, last_used_at=1.0
        )
        assert await SqlFactorStore(office.database).add_totp(app_factor)
        for number, (kind, change) in enumerate(changes(office)):
            before, told = await office.rows(), len(await office.events())
            assert await office.refused(change), (number, kind)
            assert await office.rows() == before, (number, kind)
            await change()
            assert await office.rows() != before, (number, kind)
            fresh = (await office.events())[: -told or None]
            assert [each.type for each in fresh] == [kind], number
