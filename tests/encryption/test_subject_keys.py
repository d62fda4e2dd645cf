from __future__ import annotations

import asyncio

import pytest

from tests.encryption.conftest import OTHER
from zenith.encryption import DecryptionError, EncryptionService, SubjectErasedError, SubjectKeys


class MemoryStore:
    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    async def find(self, subject: str) -> str | None:
        await asyncio.sleep(0)
        return self.kept.get(subject)

    async def add(self, subject: str, wrapped: str) -> str:
        return self.kept.setdefault(subject, wrapped)

    async def erase(self, subject: str) -> bool:
        there = bool(self.kept.get(subject))
        self.kept[subject] = ""
        return there


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def keys(service, store) -> SubjectKeys:
    return SubjectKeys(service, store)


class _Sink:
    def __init__(self):
        self.events = []

    async def record(self, event):
        self.events.append(event)

    def note(self, event):
        raise AssertionError("an erasure is recorded with its change")


async def test_an_erasure_is_on_record_once(service, store):
    sink = _Sink()
    keys = SubjectKeys(service, store, events=sink)
    await keys.service_for("ada")
    assert await keys.erase("ada", by="admin")
    assert not await keys.erase("ada", by="admin")
    (event,) = sink.events
    assert (event.type, event.subject, event.target) == ("SUBJECT_ERASED", "admin", "ada")


async def test_each_subject_has_a_key_of_its_own(keys):
    ada, bob = await keys.service_for("ada"), await keys.service_for("bob")
    sealed = ada.encrypt("x")
    assert (await keys.existing("ada")).decrypt(sealed) == "x"
    with pytest.raises(DecryptionError):
        bob.decrypt(sealed)


async def test_an_erased_subject_is_gone_for_good(keys, store):
    sealed = (await keys.service_for("ada")).encrypt("x")
    backup = dict(store.kept)
    assert await keys.erase("ada")
    assert not await keys.erase("ada")
    for ask in (keys.service_for, keys.existing):
        with pytest.raises(SubjectErasedError):
            await ask("ada")
    assert sealed not in str(store.kept)
    assert backup["ada"] not in str(store.kept)


async def test_an_unknown_subject_can_be_erased_before_its_first_use(keys):
    with pytest.raises(DecryptionError):
        await keys.existing("eve")
    assert not await keys.erase("eve")
    with pytest.raises(SubjectErasedError):
        await keys.service_for("eve")


async def test_many_first_uses_make_one_key(keys):
    services = await asyncio.gather(*(keys.service_for("ada") for _ in range(50)))
    assert len({service.keyring.active.id for service in services}) == 1
    sealed = services[0].encrypt("x")
    assert all(service.decrypt(sealed) == "x" for service in services)


async def test_wrapped_keys_are_bound_to_their_subject_and_to_the_master_key(keys, store):
    await keys.service_for("ada")
    store.kept["bob"] = store.kept["ada"]
    with pytest.raises(DecryptionError):
        await keys.service_for("bob")
    with pytest.raises(DecryptionError):
        await SubjectKeys(EncryptionService(OTHER), store).service_for("ada")


async def test_the_master_key_rotates_under_subject_keys(keys, store):
    sealed = (await keys.service_for("ada")).encrypt("x")
    newer = EncryptionService(OTHER, previous=["violet-Tractor-pond-ninety-0123456789-abcdef"])
    assert (await SubjectKeys(newer, store).service_for("ada")).decrypt(sealed) == "x"
