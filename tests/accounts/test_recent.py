from __future__ import annotations

from tests.accounts.fakes import World
from zenith.accounts import Account, RecentAccounts
from zenith.authentication import Revocation


class CountingStore:
    def __init__(self, store):
        self.store, self.reads, self.before_answer = store, 0, None

    async def by_id(self, account_id):
        self.reads += 1
        found = await self.store.by_id(account_id)
        if self.before_answer is not None:
            await self.before_answer()
        return found


def account(account_id="a", **more):
    key = f"{account_id}@example.org"
    return Account(id=account_id, email=key, email_key=key, created_at=0.0, **more)


async def made():
    world = World()
    await world.accounts.create(account())
    store = CountingStore(world.accounts)
    return world, store, RecentAccounts(store, world.revocations, steady=world.steady)


def revocation(kind, key):
    return Revocation(kind=kind, key=key, at=1.0, until=2e6)


async def test_an_account_is_read_once_a_second():
    world, store, recent = await made()
    first = await recent.by_id("a")
    assert await recent.by_id("a") is first
    assert store.reads == 1
    world.steady.now += 1.0
    assert await recent.by_id("a") is not None
    assert store.reads == 2


async def test_unknown_accounts_are_not_kept():
    _, store, recent = await made()
    assert await recent.by_id("b") is None
    assert await recent.by_id("b") is None
    assert store.reads == 2


async def test_a_revocation_of_the_account_drops_it_at_once():
    world, store, recent = await made()
    await recent.by_id("a")
    await world.revocations.revoke(revocation("session", "s"))
    await recent.by_id("a")
    assert store.reads == 1
    await world.revocations.revoke(revocation("subject", "a"))
    await recent.by_id("a")
    assert store.reads == 2


async def test_an_answer_during_a_revocation_is_not_kept():
    world, store, recent = await made()

    async def revoke():
        await world.revocations.revoke(revocation("subject", "a"))

    store.before_answer = revoke
    assert await recent.by_id("a") is not None
    store.before_answer = None
    await recent.by_id("a")
    assert store.reads == 2


async def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr("zenith.accounts.recent.MAX_ACCOUNTS", 2)
    world, store, recent = await made()
    for name in "bc":
        await world.accounts.create(account(name))
    for name in "abca":
        await recent.by_id(name)
    assert store.reads == 4
