"""Keys rotate by themselves: one process decides, all follow, no token is left without its key."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from tests.tokens.fakes import OTHER_SECRET, SECRET, Time
from zenith.kernel.errors import ConfigurationError, ServiceUnavailableError
from zenith.kernel.events import Event, EventType
from zenith.stores.memory import MemoryKeyStore
from zenith.tokens import KeyRing, KeyRotation, TokenError, TokenManager, TokenSettings
from zenith.tokens import rotation as module

DAY = 86_400.0
SETTINGS = TokenSettings(algorithm="EdDSA")


class Process:
    """One of several that share a store."""

    def __init__(
        self, store: MemoryKeyStore, time: Time, settings: TokenSettings = SETTINGS, **more: Any
    ) -> None:
        self.keyring = KeyRing.pending()
        secrets = more.get("secrets", [SECRET])
        self.rotation = KeyRotation(
            store,
            secrets,
            self.keyring,
            settings=settings,
            events=more.get("events"),
            clock=time,
        )
        self.tokens = TokenManager(keyring=self.keyring, settings=settings, clock=time)

    @property
    def published(self) -> list[str]:
        return [jwk["kid"] for jwk in self.keyring.to_jwks()["keys"]]


@pytest.fixture
def store() -> MemoryKeyStore:
    return MemoryKeyStore()


@pytest.fixture
def time() -> Time:
    return Time()


async def test_the_first_key_signs_at_once(store: MemoryKeyStore, time: Time) -> None:
    process = Process(store, time)
    with pytest.raises(ConfigurationError, match="no key that signs"):
        process.tokens.issue_access("ada")
    assert process.published == []
    await process.rotation.follow()
    assert process.tokens.verify(process.tokens.issue_access("ada"))["sub"] == "ada"
    assert len(process.published) == 1


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
async def test_keys_survive_a_restart(store: MemoryKeyStore, time: Time, algorithm: Any) -> None:
    settings = TokenSettings(algorithm=algorithm)
    first, second = Process(store, time, settings), Process(store, time, settings)
    await first.rotation.follow()
    await second.rotation.follow()
    assert second.tokens.verify(first.tokens.issue_access("ada"))["sub"] == "ada"
    (kept,) = await store.load()
    assert kept.algorithm == algorithm


async def test_of_many_processes_one_decides(store: MemoryKeyStore, time: Time) -> None:
    processes = [Process(store, time) for _ in range(20)]
    await asyncio.gather(*(each.rotation.follow() for each in processes))
    assert len(await store.load()) == 1
    time.now += 90 * DAY
    await asyncio.gather(*(each.rotation.follow() for each in processes))
    assert len(await store.load()) == 2
    assert len({tuple(each.published) for each in processes}) == 1


async def test_a_key_is_published_before_it_signs_and_verifies_after(
    store: MemoryKeyStore, time: Time
) -> None:
    process = Process(store, time)
    await process.rotation.follow()
    (first,) = process.published
    time.now += 90 * DAY - module.PUBLISH_AHEAD - 1
    await process.rotation.follow()
    assert process.published == [first]
    time.now += 2
    await process.rotation.follow()
    _, second = process.published
    assert process.keyring.signing_key(time.now).kid == first
    token = process.tokens.issue("refresh", {"sub": "ada"})
    time.now += module.PUBLISH_AHEAD
    assert process.keyring.signing_key(time.now).kid == second
    time.now += process.rotation.overlap - module.PUBLISH_AHEAD - 15
    await process.rotation.follow()
    assert process.tokens.verify(token, expected_type="refresh")["sub"] == "ada"
    time.now += module.PUBLISH_AHEAD + 20
    await process.rotation.follow()
    assert process.published == [second]
    assert await process.rotation.prune() == 1
    assert await process.rotation.prune() == 0
    assert [each.kid for each in await store.load()] == [second]


async def test_after_a_long_stand_still_the_key_is_published_first(
    store: MemoryKeyStore, time: Time
) -> None:
    process = Process(store, time)
    await process.rotation.follow()
    time.now += 400 * DAY
    await process.rotation.follow()
    stored = await store.load()
    assert stored[1].signs_at == time.now + module.PUBLISH_AHEAD
    assert process.keyring.signing_key(time.now).kid == stored[0].kid


async def test_without_a_schedule_nothing_rotates(store: MemoryKeyStore, time: Time) -> None:
    process = Process(store, time, TokenSettings(algorithm="EdDSA", rotate_every=None))
    await process.rotation.follow()
    time.now += 4000 * DAY
    await process.rotation.follow()
    assert len(await store.load()) == 1


async def test_a_rotation_by_hand(store: MemoryKeyStore, time: Time) -> None:
    here, there = Process(store, time), Process(store, time)
    await here.rotation.follow()
    await there.rotation.follow()
    stolen = there.tokens.issue_access("ada")
    (first,) = here.published
    with pytest.raises(ConfigurationError, match="signs now"):
        await here.rotation.retire(first)
    time.now += 1
    second = await here.rotation.rotate()
    assert here.keyring.signing_key(time.now).kid == second != first
    assert await here.rotation.retire(first)
    assert not await here.rotation.retire(first)
    await there.rotation.follow()
    for process in (here, there):
        with pytest.raises(TokenError):
            process.tokens.verify(stolen)
        assert process.published == [second]
    assert there.tokens.verify(here.tokens.issue_access("ada"))["sub"] == "ada"


async def test_a_later_rotation_by_hand(store: MemoryKeyStore, time: Time) -> None:
    process = Process(store, time)
    await process.rotation.follow()
    planned = await process.rotation.rotate(at=time.now + 100)
    assert process.keyring.signing_key(time.now).kid != planned
    assert process.keyring.signing_key(time.now + 100).kid == planned
    again = await process.rotation.rotate()
    assert process.keyring.signing_key(time.now + 100).kid == again


@pytest.mark.parametrize("every", [90 * DAY, None])
async def test_a_planned_key_that_is_retired_ends_no_other(
    store: MemoryKeyStore, time: Time, every: float | None
) -> None:
    process = Process(store, time, TokenSettings(algorithm="EdDSA", rotate_every=every))
    await process.rotation.follow()
    (first,) = process.published
    planned = await process.rotation.rotate(at=time.now + 30 * DAY)
    assert await process.rotation.retire(planned)
    begun = time.now
    for days in (1, 31, 38, 80):
        time.now = begun + days * DAY
        await process.rotation.follow()
        await process.rotation.prune()
        assert process.tokens.verify(process.tokens.issue_access("ada"))["sub"] == "ada"
        assert [each.state for each in await process.rotation.states()] == ["signs", "retired"]
    assert process.published == [first]
    second = await process.rotation.rotate()
    assert process.keyring.signing_key(time.now).kid == second, "nothing has to wait for it"


async def test_the_process_that_retires_need_not_know_who_signs(
    store: MemoryKeyStore, time: Time
) -> None:
    here, there = Process(store, time), Process(store, time)
    await here.rotation.follow()
    await there.rotation.follow()
    (first,) = here.published
    second = await here.rotation.rotate()
    with pytest.raises(ConfigurationError, match="signs now"):
        await there.rotation.retire(second)
    assert await there.rotation.retire(first)
    assert there.published == [second]


async def test_where_no_key_is_left_one_is_made(store: MemoryKeyStore, time: Time) -> None:
    process = Process(store, time, TokenSettings(algorithm="EdDSA", rotate_every=None))
    await process.rotation.follow()
    (first,) = process.published
    await store.retire(first, at=time.now + 1)
    time.now += 2
    await process.rotation.follow()
    assert process.tokens.verify(process.tokens.issue_access("ada"))["sub"] == "ada"
    assert first not in process.published


async def test_a_change_of_the_secret_keeps_the_keys(store: MemoryKeyStore, time: Time) -> None:
    old = Process(store, time, secrets=[OTHER_SECRET])
    await old.rotation.follow()
    new = Process(store, time, secrets=[SECRET, OTHER_SECRET])
    await new.rotation.follow()
    assert new.tokens.verify(old.tokens.issue_access("ada"))["sub"] == "ada"
    stranger = Process(store, time)
    with pytest.raises(ConfigurationError, match="cannot be decrypted"):
        await stranger.rotation.follow()


async def test_another_algorithm_is_planned_at_the_start_only(
    store: MemoryKeyStore, time: Time
) -> None:
    old = Process(store, time)
    await old.rotation.follow()
    new = Process(store, time, TokenSettings(algorithm="ES256"))
    await new.rotation.start()
    await new.rotation.stop()
    await new.rotation.stop()
    for process in (old, new, old, new):
        await process.rotation.follow()
    assert [each.algorithm for each in await store.load()] == ["EdDSA", "ES256"]
    assert old.keyring.signing_key(time.now).algorithm == "EdDSA"
    assert old.keyring.signing_key(time.now + module.PUBLISH_AHEAD).algorithm == "ES256"


async def test_it_follows_until_it_is_stopped(
    store: MemoryKeyStore,
    time: Time,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(module, "POLL", 0.0)
    caplog.set_level(logging.WARNING)
    process = Process(store, time)
    await process.rotation.start()
    answers = [ServiceUnavailableError(reason="away"), ConfigurationError("broken"), None]

    async def follow() -> None:
        answer = answers.pop(0) if answers else None
        if answer is not None:
            raise answer
        looked.set()

    looked = asyncio.Event()
    monkeypatch.setattr(process.rotation, "follow", follow)
    await asyncio.wait_for(looked.wait(), 5)
    await process.rotation.stop()
    assert [record.getMessage() for record in caplog.records] == [
        "token keys stay as they are for now: away",
        "token keys stay as they are: broken",
    ]


def test_a_schedule_names_keys_of_the_ring() -> None:
    ring = KeyRing.from_secret(SECRET)
    with pytest.raises(ConfigurationError, match="cannot sign"):
        ring.adopt(ring.keys, [(0.0, "other")])
    assert ring.version == 0


async def test_nothing_to_prune(store: MemoryKeyStore, time: Time) -> None:
    assert await Process(store, time).rotation.prune() == 0


class Sink:
    def __init__(self) -> None:
        self.events: list[Event] = []

    async def record(self, event: Event) -> None:
        self.events.append(event)

    def note(self, event: Event) -> None:
        raise AssertionError("a key is recorded with its change")


async def test_keys_that_come_and_go_are_on_record(store: MemoryKeyStore, time: Time) -> None:
    sink = Sink()
    process = Process(store, time, events=sink)
    await process.rotation.follow()
    (first,) = process.published
    second = await process.rotation.rotate()
    assert await process.rotation.retire(first)
    assert not await process.rotation.retire(first)
    assert [(event.type, event.target) for event in sink.events] == [
        (EventType.SIGNING_KEY_PLANNED, first),
        (EventType.SIGNING_KEY_PLANNED, second),
        (EventType.SIGNING_KEY_RETIRED, first),
    ]


async def test_of_two_that_plan_the_same_key_one_records_it(
    store: MemoryKeyStore, time: Time
) -> None:
    sink = Sink()
    processes = [Process(store, time, events=sink) for _ in range(2)]
    await asyncio.gather(*(process.rotation.follow() for process in processes))
    assert [event.type for event in sink.events] == [EventType.SIGNING_KEY_PLANNED]
