from __future__ import annotations

import asyncio

import pytest

from tests.authentication.fakes import FakeRevocations, FakeSubjects, Time
from zenith.authentication import Revocation, RevocationList, Subject, SubjectCache
from zenith.authentication import subject as module
from zenith.authentication.subject import MAX_AGE

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
    await asyncio.sleep(0)
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
