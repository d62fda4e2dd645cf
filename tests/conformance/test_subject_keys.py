"""Every store of subjects' keys keeps the contract of `zenith.encryption.store`."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.conftest import Place
from zenith.encryption import (
    DataKey,
    EncryptionService,
    SubjectErasedError,
    SubjectKeys,
    SubjectKeyStore,
)
from zenith.kernel.keys import new_token
from zenith.stores.memory import MemorySubjectKeyStore
from zenith.stores.sql import SqlSubjectKeyStore


@pytest.fixture
def store(place: Place) -> SubjectKeyStore:
    if place.database is None:
        return MemorySubjectKeyStore()
    return SqlSubjectKeyStore(place.database)


async def test_the_first_key_is_kept(store: SubjectKeyStore) -> None:
    assert await store.find("ada") is None
    assert await store.add("ada", "one") == "one"
    assert await store.add("ada", "two") == "one"
    assert await store.add("ben", "three") == "three"
    assert (await store.find("ada"), await store.find("ben")) == ("one", "three")


async def test_an_erased_key_never_comes_back(store: SubjectKeyStore) -> None:
    await store.add("ada", "one")
    assert await store.erase("ada") is True
    assert await store.erase("ada") is False
    assert await store.find("ada") == ""
    assert await store.add("ada", "two") == ""
    assert await store.find("ada") == ""


async def test_an_unknown_subject_is_erased_too(store: SubjectKeyStore) -> None:
    assert await store.erase("eve") is False
    assert await store.add("eve", "one") == ""


async def test_many_who_add_at_once_hold_one_key(store: SubjectKeyStore) -> None:
    kept = await asyncio.gather(*(store.add("ada", f"key {each}") for each in range(50)))
    assert len(set(kept)) == 1
    assert await store.find("ada") == kept[0]


async def test_whoever_erases_wins_over_all_who_add(store: SubjectKeyStore) -> None:
    adding = [store.add("ada", f"key {each}") for each in range(20)]
    await asyncio.gather(*adding[:10], store.erase("ada"), *adding[10:])
    assert await store.find("ada") == ""


async def test_who_erases_knows_of_a_key_that_is_made_meanwhile(store: SubjectKeyStore) -> None:
    """Else a key is destroyed, and neither its owner is told so nor the audit log."""

    async def both(name: str) -> tuple[str, bool]:
        kept, erased = await asyncio.gather(store.add(name, "one"), store.erase(name))
        return kept, erased

    found = await asyncio.gather(*(both(f"subject {each}") for each in range(100)))
    assert set(found) <= {("one", True), ("", False)}


async def test_subjects_are_erased_for_all(store: SubjectKeyStore) -> None:
    service = EncryptionService(new_token(48))
    one, two = SubjectKeys(service, store), SubjectKeys(service, store)
    sealed = (await one.service_for("ada")).encrypt("x")
    assert (await two.existing("ada")).decrypt(sealed) == "x"
    await two.erase("ada")
    with pytest.raises(SubjectErasedError):
        await one.service_for("ada")


async def test_keys_are_replaced_only_where_they_are_as_they_were(store: SubjectKeyStore) -> None:
    for name in ("ada", "ben", "eve"):
        await store.add(name, f"of {name}")
    await store.erase("eve")
    assert await store.page("", 2) == [("ada", "of ada"), ("ben", "of ben")]
    assert await store.page("ben", 2) == [("eve", "")]
    assert await store.page("eve", 2) == []
    assert await store.replace("ada", "of ada", "new") is True
    assert await store.replace("ada", "of ada", "newer") is False
    assert await store.replace("eve", "of eve", "back") is False
    assert (await store.find("ada"), await store.find("eve")) == ("new", "")


async def test_subjects_keys_are_wrapped_anew(store: SubjectKeyStore) -> None:
    service = EncryptionService(new_token(48))
    subjects = SubjectKeys(service, store)
    sealed = (await subjects.service_for("ada")).encrypt("x")
    await subjects.service_for("eve")
    await subjects.erase("eve")
    former = service.keyring.active
    service.keyring.rotate(DataKey.new())
    assert await subjects.count_former() == 1
    assert await subjects.reencrypt() == 1
    assert (await subjects.count_former(), await subjects.reencrypt()) == (0, 0)
    service.keyring.destroy(former.id)
    assert (await subjects.existing("ada")).decrypt(sealed) == "x"
