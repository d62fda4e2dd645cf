from __future__ import annotations

import asyncio

import pytest

from tests.authentication.fakes import FakeRevocations, FakeSubjects, Time
from zenith.authentication import (
    Revocation,
    RevocationList,
    Subject,
    SubjectCache,
    acting_in,
)
from zenith.authentication import subject as module
from zenith.authentication.subject import MAX_AGE
from zenith.kernel.principal import Principal

ALICE = Subject(id="alice", active=True)
BOB = Subject(id="bob", active=False)


class World:
    def __init__(self):
        self.source, self.steady = FakeSubjects(ALICE, BOB), Time()
        self.revocations = RevocationList(FakeRevocations())
        self.cache = SubjectCache(self.source, self.revocations, steady=self.steady)

    async def revoke(self, kind, key):
        await self.revocations.revoke(Revocation(kind=kind, key=key, at=1.0, until=2.0))


async def test_a_subject_is_asked_for_once_a_second():
    world = World()
    for _ in range(5):
        assert await world.cache.find("alice") is ALICE
    assert world.source.asked == 1
    world.steady.now += MAX_AGE
    assert await world.cache.find("alice") is ALICE
    assert world.source.asked == 2


async def test_an_unknown_subject_is_asked_for_each_time():
    world = World()
    for _ in range(2):
        assert await world.cache.find("nobody") is None
    assert world.source.asked == 2


async def test_a_subject_that_vanished_is_forgotten():
    world = World()
    await world.cache.find("alice")
    del world.source.subjects["alice"]
    world.steady.now += MAX_AGE
    assert await world.cache.find("alice") is None
    assert "alice" not in world.cache._subjects


async def test_a_revocation_of_the_subject_is_felt_at_once():
    world = World()
    await world.cache.find("alice")
    await world.cache.find("bob")
    await world.revoke("subject", "alice")
    world.source.subjects["alice"] = Subject(id="alice", active=False)
    assert not (await world.cache.find("alice")).active
    await world.cache.find("bob")
    assert world.source.asked == 3


@pytest.mark.parametrize("kind", ["session", "token"])
async def test_other_revocations_drop_nothing(kind):
    world = World()
    await world.cache.find("alice")
    await world.revoke(kind, "alice")
    await world.cache.find("alice")
    assert world.source.asked == 1


async def test_an_answer_that_a_revocation_overtook_is_not_kept():
    world = World()
    world.source.gate = asyncio.Event()
    asking = asyncio.create_task(world.cache.find("alice"))
    await asyncio.sleep(0.01)
    assert world.source.asked == 1
    await world.revoke("subject", "alice")
    world.source.gate.set()
    assert await asking is ALICE
    await world.cache.find("alice")
    assert world.source.asked == 2


async def test_memory_is_bounded_and_the_oldest_go_first(monkeypatch):
    monkeypatch.setattr(module, "MAX_SUBJECTS", 3)
    world = World()
    for number in range(10):
        world.source.subjects[str(number)] = Subject(id=str(number), active=True)
        await world.cache.find(str(number))
    assert list(world.cache._subjects) == ["7", "8", "9"]


async def test_a_subject_is_another_in_each_tenant_and_dropped_in_all():
    class InTenants:
        asked = 0

        async def find(self, subject_id, tenant=None):
            self.asked += 1
            return Subject(id=subject_id, active=True, tenant=tenant)

    world, source = World(), InTenants()
    cache = SubjectCache(source, world.revocations, steady=world.steady)
    for _ in range(2):
        for tenant in (None, "acme", "zeta"):
            for name in ("alice", "bob"):
                assert (await cache.find(name, tenant)).tenant == tenant
    assert source.asked == 6
    cache._drop(Revocation(kind="subject", key="alice", at=1.0, until=2.0))
    for tenant in (None, "acme", "zeta"):
        for name in ("alice", "bob"):
            await cache.find(name, tenant)
    assert source.asked == 9
    cache._drop(Revocation(kind="roles", key="*", at=1.0, until=1.0))
    assert cache.peek("bob") is None
    assert (await cache.find("bob")).id == "bob"
    assert cache.peek("bob").id == "bob"
    world.steady.now += MAX_AGE
    assert cache.peek("bob") is None
    await cache.find("bob", "acme")
    assert source.asked == 11


@pytest.mark.parametrize(
    "other", [{"kind": "api_key"}, {"subject": "eve"}, {"scopes": frozenset({"a:b"})}]
)
def test_only_a_whole_credential_of_the_same_person_acts_in_a_tenant(other):
    there = Subject(id="alice", active=True, tenant="acme", roles=frozenset({"admin"}))
    principal = acting_in(Principal(subject="alice"), there)
    assert (principal.tenant, principal.roles) == ("acme", {"admin"})
    with pytest.raises(ValueError, match="only a person's own"):
        acting_in(Principal(**{"subject": "alice", **other}), there)
