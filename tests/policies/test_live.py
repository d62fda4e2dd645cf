"""Versions, what is in force, and what a process knows of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from zenith.kernel.errors import ConflictError, NotFoundError, ServiceUnavailableError
from zenith.kernel.events import Event, EventType, Silence
from zenith.kernel.principal import Principal
from zenith.policies import PolicyError
from zenith.policies.live import LivePolicy
from zenith.policies.recording import DecisionRecorder
from zenith.policies.versions import PolicyVersions, compiled, digest_of
from zenith.stores.memory import MemoryDecisionStore, MemoryPolicyStore

ADA = Principal(subject="ada")


async def until(condition: Callable[[], Any]) -> None:
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0)
    pytest.fail("it never came")


def source(effect: str = "allow", *, name: str = "documents", conditions: Any = ()) -> str:
    rule = {"action": "read", "effect": effect, "conditions": list(conditions)}
    return json.dumps({"name": name, "rules": [rule]})


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store() -> MemoryPolicyStore:
    return MemoryPolicyStore()


@pytest.fixture
def versions(store: MemoryPolicyStore) -> PolicyVersions:
    return PolicyVersions(store, clock=lambda: 7.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def live(store: MemoryPolicyStore, clock: Clock) -> LivePolicy:
    return LivePolicy("documents", store, steady=clock)


async def publish(versions: PolicyVersions, text: str) -> int:
    version = await versions.add(text, "json", by="ada", reason="asked for")
    await versions.activate("documents", version.number, by="ada", reason="reviewed")
    return version.number


async def test_a_version_says_who_when_and_why(versions: PolicyVersions) -> None:
    kept = await versions.add(source(), "json", by=" ada ", reason="the first")
    assert (kept.number, kept.created_by, kept.created_at, kept.reason) == (
        *(1, "ada", 7.0),
        "the first",
    )
    assert kept.digest == digest_of(source())
    assert await versions.add(source(), "json", by="bob", reason="again") == kept
    assert (await versions.add(source("deny"), "json", by="bob", reason="no")).number == 2
    assert [each.number for each in await versions.versions("documents")] == [2, 1]


async def test_what_is_put_in_force_is_an_event(store: MemoryPolicyStore) -> None:
    seen: list[Event] = []

    class Log(Silence):
        async def record(self, event: Event) -> None:
            seen.append(event)

    versions = PolicyVersions(store, events=Log(), clock=lambda: 7.0)
    await publish(versions, source())
    await publish(versions, source("deny"))
    with pytest.raises(ConflictError):
        await versions.activate("documents", 1, by="bob", reason="late", expected=1)
    assert [(each.type, each.at, each.subject, each.target) for each in seen] == [
        (EventType.POLICY_ACTIVATED, 7.0, "ada", "policy documents")
    ] * 2
    assert seen[1].reason == "reviewed"
    assert seen[0].details["former_version"] is None
    assert seen[1].details == {"version": 2, "revision": 2, "former_version": 1}


@pytest.mark.parametrize("words", ["", "  ", "two\nlines", "x" * 1001])
async def test_nobody_and_no_reason_are_refused(versions: PolicyVersions, words: str) -> None:
    with pytest.raises(PolicyError, match="say who"):
        await versions.add(source(), "json", by=words, reason="because")
    kept = await versions.add(source(), "json", by="ada", reason="because")
    with pytest.raises(PolicyError, match="say why"):
        await versions.activate("documents", kept.number, by="ada", reason=words)


async def test_a_version_is_one_policy(versions: PolicyVersions) -> None:
    two = {"policies": [json.loads(source()), json.loads(source(name="other"))]}
    with pytest.raises(PolicyError, match="one policy, not 2"):
        await versions.add(json.dumps(two), "json", by="ada", reason="because")


async def test_writers_at_the_same_time_get_numbers_of_their_own(
    store: MemoryPolicyStore,
) -> None:
    class Slow(MemoryPolicyStore):
        async def versions(self, policy: str, *, limit: int, before: int | None = None) -> Any:
            found = await super().versions(policy, limit=limit, before=before)
            await asyncio.sleep(0)
            return found

    versions = PolicyVersions(Slow())
    texts = [source(conditions=[cond(number)]) for number in range(4)]
    made = await asyncio.gather(
        *(versions.add(text, "json", by="ada", reason="because") for text in texts)
    )
    assert sorted(each.number for each in made) == [1, 2, 3, 4]


def cond(value: object, attribute: str = "resource.size") -> dict[str, object]:
    return {"attribute": attribute, "operator": "equals", "value": value}


async def test_numbers_that_are_always_taken_end_in_a_conflict() -> None:
    class Taken(MemoryPolicyStore):
        async def add(self, version: Any) -> bool:
            return False

    with pytest.raises(ConflictError):
        await PolicyVersions(Taken()).add(source(), "json", by="ada", reason="because")


async def test_what_is_in_force_changes_in_one_step(versions: PolicyVersions) -> None:
    assert await versions.active("documents") is None
    await publish(versions, source())
    await publish(versions, source("deny"))
    back = await versions.activate("documents", 1, by="bob", reason="undo", expected=2)
    assert (back.revision, back.number, back.activated_by) == (3, 1, "bob")
    assert await versions.active("documents") == back
    assert [each.number for each in await versions.history("documents")] == [1, 2, 1]


async def test_a_change_on_top_of_an_outdated_state_is_refused(versions: PolicyVersions) -> None:
    await publish(versions, source())
    with pytest.raises(ConflictError):
        await versions.activate("documents", 1, by="bob", reason="late", expected=0)
    with pytest.raises(NotFoundError):
        await versions.activate("documents", 9, by="bob", reason="none")


async def test_of_many_that_activate_on_the_same_state_one_does(versions: PolicyVersions) -> None:
    await publish(versions, source())
    done = await asyncio.gather(
        *(versions.activate("documents", 1, by="b", reason="r", expected=1) for _ in range(20)),
        return_exceptions=True,
    )
    assert sum(not isinstance(each, ConflictError) for each in done) == 1


async def test_a_text_that_was_tampered_with_is_not_loaded(versions: PolicyVersions) -> None:
    kept = await versions.add(source("deny"), "json", by="ada", reason="because")
    with pytest.raises(ServiceUnavailableError) as refused:
        compiled(replace(kept, source=source("allow")))
    assert "not the one" in refused.value.reason
    other = replace(kept, policy="other")
    with pytest.raises(ServiceUnavailableError) as refused:
        compiled(other)
    assert "text is that of documents" in refused.value.reason


async def test_a_change_is_seen_within_a_second(
    versions: PolicyVersions, live: LivePolicy, clock: Clock
) -> None:
    await publish(versions, source())
    assert (await live.authorize(ADA, "read", {}, {})).allowed
    await publish(versions, source("deny"))
    assert (await live.authorize(ADA, "read", {}, {})).allowed, "known for less than a second"
    clock.now += 1.0
    assert not (await live.authorize(ADA, "read", {}, {})).allowed
    assert live.active.activation.revision == 2


async def test_every_use_is_that_of_the_version_in_force(
    versions: PolicyVersions, live: LivePolicy
) -> None:
    await publish(versions, source())
    await live.refresh()
    assert live.name == "documents"
    assert live.evaluate({}, {}, "read")
    assert live.explain({}, {}, "read").rule == "rule 1"
    assert live.mask({}, [{"id": 1}]) == [{"id": 1}]
    from tests.policies.articles import Article

    assert str(live.where({}, "read", Article)) == "true"


async def test_without_a_version_nothing_is_decided(live: LivePolicy) -> None:
    with pytest.raises(ServiceUnavailableError):
        await live.authorize(ADA, "read", {}, {})
    with pytest.raises(ServiceUnavailableError):
        live.evaluate({}, {}, "read")


async def test_what_cannot_wait_ends_with_the_store(
    versions: PolicyVersions, live: LivePolicy, clock: Clock
) -> None:
    await publish(versions, source())
    await live.refresh()
    clock.now += 5.0
    assert live.evaluate({}, {}, "read")
    clock.now += 0.1
    with pytest.raises(ServiceUnavailableError):
        live.evaluate({}, {}, "read")
    with pytest.raises(ServiceUnavailableError):
        live.where({}, "read", object)


async def test_a_damaged_version_refuses_everything(
    versions: PolicyVersions, store: MemoryPolicyStore, live: LivePolicy, clock: Clock
) -> None:
    await publish(versions, source())
    await live.refresh()
    await publish(versions, source("deny"))
    store._versions["documents"][1] = replace(store._versions["documents"][1], source="{}")
    clock.now += 1.0
    for _ in range(2):
        with pytest.raises(ServiceUnavailableError):
            await live.authorize(ADA, "read", {}, {})
    store._versions["documents"].pop()
    with pytest.raises(ServiceUnavailableError) as refused:
        await live.refresh()
    assert "is gone" in refused.value.reason


async def test_a_version_that_is_no_policy_any_more_refuses_everything(
    store: MemoryPolicyStore, versions: PolicyVersions, live: LivePolicy
) -> None:
    await publish(versions, source())
    kept = store._versions["documents"][0]
    store._versions["documents"][0] = replace(kept, source="{}", digest=digest_of("{}"))
    with pytest.raises(ServiceUnavailableError):
        await live.refresh()


async def test_an_older_revision_is_not_gone_back_to(
    versions: PolicyVersions, store: MemoryPolicyStore, live: LivePolicy, clock: Clock
) -> None:
    await publish(versions, source())
    await publish(versions, source("deny"))
    await live.refresh()
    store._activations["documents"].pop()
    clock.now += 1.0
    assert not (await live.authorize(ADA, "read", {}, {})).allowed
    store._activations.clear()
    clock.now += 1.0
    assert not (await live.authorize(ADA, "read", {}, {})).allowed


async def test_many_at_once_ask_once(versions: PolicyVersions, store: MemoryPolicyStore) -> None:
    asked = 0

    class Counting(MemoryPolicyStore):
        async def active(self, policy: str) -> Any:
            nonlocal asked
            asked += 1
            await asyncio.sleep(0)
            return await store.active(policy)

        async def version(self, policy: str, number: int) -> Any:
            return await store.version(policy, number)

    await publish(versions, source())
    live = LivePolicy("documents", Counting())
    await asyncio.gather(*(live.authorize(ADA, "read", {}, {}) for _ in range(50)))
    assert asked == 1


async def test_beside_the_requests_it_is_kept_fresh(
    versions: PolicyVersions, store: MemoryPolicyStore
) -> None:
    decisions = MemoryDecisionStore()
    recorder = DecisionRecorder(decisions, clock=lambda: 1.0)
    await publish(versions, source())
    live = LivePolicy("documents", store, interval=0.0, recorder=recorder)
    async with live:
        await live.start()
        assert live.evaluate({}, {}, "read")
        await publish(versions, source("deny"))
        await until(lambda: not live.evaluate({}, {}, "read"))
        await until(lambda: decisions._decisions)
    await live.stop()
    await LivePolicy("documents", store).stop()
    kept = await decisions.recent("documents", limit=1)
    assert (kept[0].allowed, kept[0].number) == (False, 2)


async def test_a_store_that_fails_beside_the_requests_is_asked_again(
    versions: PolicyVersions, store: MemoryPolicyStore
) -> None:
    failures = 0

    class Failing(MemoryPolicyStore):
        async def active(self, policy: str) -> Any:
            nonlocal failures
            failures += 1
            if 1 < failures < 4:
                raise ServiceUnavailableError
            return await store.active(policy)

        async def version(self, policy: str, number: int) -> Any:
            return await store.version(policy, number)

    await publish(versions, source())
    async with LivePolicy("documents", Failing(), interval=0.0):
        await until(lambda: failures >= 5)
