"""Changes with the events that must be stored before the answer."""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import TypeAlias

from benchmarks.apps.protected import settings_in
from benchmarks.driver import Lifespan
from benchmarks.options import Options
from benchmarks.report import Budget, Row
from benchmarks.sections.audit import KEYS, an_event
from benchmarks.timing import interleave, repeat_async
from zenith.accounts import Account, Client
from zenith.accounts.factors import BrowserSignIn
from zenith.api_keys import Actor, KeyRequest
from zenith.app import Zenith
from zenith.audit import AuditLog, AuditSettings
from zenith.audit.pending import Pending
from zenith.kernel.keys import Secret, new_id
from zenith.kernel.one_step import one_step
from zenith.kernel.principal import Principal
from zenith.stores.settings import DatabaseSettings
from zenith.stores.sql import Database, SqlAccountStore, SqlAuditStore, upgrade

TITLE = "Changes and their records (SQLite, CPU time)"
ROUNDS = 30
Change: TypeAlias = Callable[[], Awaitable[None]]
Changes: TypeAlias = Mapping[str, Change]
CLIENT = Client(
    address="203.0.113.9",
    user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    request_id=new_id(),
)
LATER = AuditSettings(seal_delay=60, seal_events=1_000)
"""Seals are made after the answer: what is measured is the change and its record."""


def _account() -> Account:
    return Account(id=new_id(), email="a@b.example", email_key="a@b.example", created_at=0.0)


async def _compared(names: Changes, alone: Changes, rounds: int) -> AsyncIterator[Row]:
    for name, change in names.items():
        found = await interleave(
            {"zenith": repeat_async(change), "alone": repeat_async(alone[name])}, rounds=rounds
        )
        ratio, spread = found.ratio("zenith", "alone")
        yield Row(
            name=name,
            ours=found.of("zenith"),
            peer_name="not recorded",
            peer=found.of("alone"),
            ratio=ratio,
            spread=spread,
            budget=Budget(value=1.2),
        )


@asynccontextmanager
async def _application(audit: AuditSettings | None) -> AsyncGenerator[Changes]:
    with tempfile.TemporaryDirectory(prefix="zenith-bench-") as folder:
        app = Zenith(settings=replace(settings_in(Path(folder)), audit=audit))
        app.add_auth()
        async with Lifespan(app):
            yield await _actions(app)


async def _actions(app: Zenith) -> Changes:
    """What people do, by the services that do it: all that each changes is one action."""
    accounts, keys, account = app.accounts, app.assembly.api_keys, _account()
    if keys is None:
        raise TypeError("API keys are off")
    await accounts.store.create(account)
    roles, permissions = app.assembly.roles.current.compile((app.settings.rbac.administrator,))
    chief = Principal(subject=new_id(), roles=roles, permissions=permissions, session_id=new_id())
    actor = Actor.local(chief)
    request = KeyRequest(name="bench", owner_id=account.id, scopes=("reports:read",))

    async def sign_in_and_out() -> None:
        factors = {"password": time.time()}
        entered = await accounts.sign_in.enter_browser(account, factors=factors, client=CLIENT)
        if not isinstance(entered, BrowserSignIn):
            raise TypeError("a second factor is due")
        who = Principal(subject=account.id, session_id=entered.session.id)
        await accounts.sign_in.sign_out(who, client=CLIENT)

    async def lock_and_unlock() -> None:
        await accounts.administration.lock(chief, account.id, client=CLIENT)
        await accounts.administration.unlock(chief, account.id, client=CLIENT)

    async def issue_and_revoke() -> None:
        issued = await keys.issue(actor, request)
        await keys.revoke(actor, issued.record.id)

    return {
        "signed in with a proven password, and out": sign_in_and_out,
        "an account locked, and unlocked": lock_and_unlock,
        "an API key issued, and revoked": issue_and_revoke,
    }


@asynccontextmanager
async def _stores() -> AsyncGenerator[tuple[AuditLog, SqlAccountStore, Account]]:
    with tempfile.TemporaryDirectory(prefix="zenith-bench-") as folder:
        url = Secret(f"sqlite:///{folder}/audit.db")
        async with Database(DatabaseSettings(url=url)) as database:
            await upgrade(database)
            accounts, account = SqlAccountStore(database), _account()
            await accounts.create(account)
            log = AuditLog(SqlAuditStore(database, keys=KEYS, written=Pending().add), LATER)
            await log.start()
            try:
                yield log, accounts, account
            finally:
                await log.stop()


def _statements(accounts: SqlAccountStore, account: Account) -> Changes:
    """One call of a store each, from the smallest there is: one column of one row, of which nobody
    asks whether it was there. No action is as small.
    """
    locked, granted = cycle((time.time(), None)), cycle((("user", "editor"), ("user",)))

    async def note() -> None:
        await accounts.note_sign_in(account.id, time.time())

    async def lock() -> None:
        await accounts.set_locked(account.id, next(locked), keep_one="administrator")

    async def grant() -> None:
        await accounts.set_roles(account.id, next(granted), keep_one="administrator")

    return {
        "the store alone: a time noted": note,
        "the store alone: locked or unlocked": lock,
        "the store alone: roles given": grant,
    }


def _recorded(log: AuditLog, change: Change) -> Change:
    async def recorded() -> None:
        async with one_step():
            await change()
            await log.record(an_event())

    return recorded


async def measure(options: Options) -> AsyncIterator[Row]:
    """Actions of the product with and without its log, then single calls of a store with a record
    and without.
    """
    rounds = options.rounds(ROUNDS)
    async with AsyncExitStack() as running:
        recorded = await running.enter_async_context(_application(LATER))
        alone = await running.enter_async_context(_application(None))
        async for row in _compared(recorded, alone, rounds):
            yield row
    async with _stores() as (log, accounts, account):
        single = _statements(accounts, account)
        both = {name: _recorded(log, change) for name, change in single.items()}
        async for row in _compared(both, single, rounds):
            yield row
