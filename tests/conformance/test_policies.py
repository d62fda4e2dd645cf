"""Every store of policies and of decisions keeps the contract of `zenith.policies.store`."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.conftest import Place
from zenith.policies.store import (
    Activation,
    DecisionStore,
    PolicyStore,
    PolicyVersion,
    RecordedDecision,
)
from zenith.stores.memory import MemoryDecisionStore, MemoryPolicyStore
from zenith.stores.sql import SqlDecisionStore, SqlPolicyStore


@pytest.fixture
def policies(place: Place) -> PolicyStore:
    return MemoryPolicyStore() if place.database is None else SqlPolicyStore(place.database)


@pytest.fixture
def decisions(place: Place) -> DecisionStore:
    return MemoryDecisionStore() if place.database is None else SqlDecisionStore(place.database)


def version(number: int, policy: str = "documents", by: str = "ada") -> PolicyVersion:
    return PolicyVersion(
        policy=policy,
        number=number,
        source='{"name": "documents"} # ü',
        format="yaml",
        digest="d" * 64,
        created_at=1.5,
        created_by=by,
        reason="because",
    )


def activation(revision: int, number: int = 1, policy: str = "documents") -> Activation:
    return Activation(
        policy=policy,
        revision=revision,
        number=number,
        activated_at=2.5,
        activated_by="ada",
        reason="reviewed",
    )


def decision(at: float, policy: str = "documents") -> RecordedDecision:
    return RecordedDecision(
        policy=policy,
        number=3,
        at=at,
        action="read",
        allowed=True,
        facts={"resource.owner_id": 7, "resource.tags": ["ü"], "subject.id": None},
    )


async def test_versions_come_back_the_newest_first(policies: PolicyStore) -> None:
    for number in (1, 3, 2):
        assert await policies.add(version(number))
    assert await policies.add(version(1, policy="other"))
    assert await policies.version("documents", 2) == version(2)
    assert await policies.version("documents", 4) is None
    assert await policies.version("unknown", 1) is None
    assert list(await policies.versions("documents", limit=9)) == [version(n) for n in (3, 2, 1)]
    assert list(await policies.versions("documents", limit=1, before=3)) == [version(2)]
    assert list(await policies.versions("unknown", limit=9)) == []


async def test_of_many_that_write_the_same_number_one_does(policies: PolicyStore) -> None:
    names = [f"writer-{number}" for number in range(50)]
    added = await asyncio.gather(*(policies.add(version(1, by=name)) for name in names))
    assert added.count(True) == 1
    kept = await policies.version("documents", 1)
    assert kept is not None
    assert kept.created_by == names[added.index(True)]


async def test_the_last_activation_holds(policies: PolicyStore) -> None:
    assert await policies.active("documents") is None
    await policies.add(version(1))
    await policies.add(version(2))
    assert await policies.activate(activation(1, 1))
    assert await policies.activate(activation(2, 2))
    assert await policies.activate(activation(3, 1)), "back to an older version"
    assert await policies.active("documents") == activation(3, 1)
    assert await policies.active("other") is None
    newest = [each.revision for each in await policies.activations("documents", limit=2)]
    assert newest == [3, 2]


async def test_revisions_follow_each_other_without_a_gap(policies: PolicyStore) -> None:
    await policies.add(version(1))
    assert not await policies.activate(activation(2)), "no first one yet"
    assert await policies.activate(activation(1))
    assert not await policies.activate(activation(1)), "taken"
    assert not await policies.activate(activation(3)), "the second is missing"
    assert not await policies.activate(activation(2, number=9)), "no such version"
    assert not await policies.activate(activation(1, policy="other")), "no such policy"
    assert await policies.active("documents") == activation(1)


async def test_of_many_that_activate_at_once_one_does(policies: PolicyStore) -> None:
    for number in range(1, 31):
        await policies.add(version(number))
    done = await asyncio.gather(*(policies.activate(activation(1, n)) for n in range(1, 31)))
    assert done.count(True) == 1
    active = await policies.active("documents")
    assert active is not None
    assert active.number == done.index(True) + 1


async def test_decisions_are_bounded_for_each_policy(decisions: DecisionStore) -> None:
    await decisions.add([], keep=3)
    await decisions.add([decision(float(n)) for n in range(5)], keep=3)
    await decisions.add([decision(9.0, "other"), decision(5.0)], keep=3)
    kept = await decisions.recent("documents", limit=9)
    assert list(kept) == [decision(5.0), decision(4.0), decision(3.0)]
    assert list(await decisions.recent("documents", limit=1)) == [decision(5.0)]
    assert list(await decisions.recent("other", limit=9)) == [decision(9.0, "other")]


async def test_decisions_are_forgotten(decisions: DecisionStore) -> None:
    await decisions.add([decision(1.0), decision(2.0), decision(1.0, "other")], keep=9)
    assert await decisions.forget("documents") == 2
    assert await decisions.forget("documents") == 0
    assert list(await decisions.recent("documents", limit=9)) == []
    assert len(await decisions.recent("other", limit=9)) == 1
