"""Sign-ins by way of providers are kept alike in every store."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.conftest import Place
from zenith.accounts.store import Account
from zenith.oauth import ProviderSignIn, ProviderSignInStore
from zenith.stores.memory import MemoryProviderSignInStore
from zenith.stores.sql import SqlAccountStore, SqlProviderSignInStore

NOW = 1_700_000_000.0


@pytest.fixture
async def store(place: Place) -> ProviderSignInStore:
    """The store; the accounts ada and bob are there."""
    if place.database is None:
        return MemoryProviderSignInStore(max_entries=4)
    people = SqlAccountStore(place.database)
    for name in ("ada", "bob"):
        await people.create(Account(id=name, email=name, email_key=name, created_at=NOW))
    return SqlProviderSignInStore(place.database)


def a_sign_in(number: int, **values: Any) -> ProviderSignIn:
    given = {
        "id": f"id{number}",
        "account_id": "ada",
        "provider": "oidc",
        "issuer": "https://id.example.org",
        "subject": "s1",
        "provider_session": f"sid{number}",
        "proven_at": NOW + number / 3,
        "id_token": "sealed",
        "expires_at": NOW + 100 + number,
    }
    return ProviderSignIn(**{**given, **values})


async def test_they_are_found_by_session_and_by_proof(store: ProviderSignInStore) -> None:
    first, second = a_sign_in(1), a_sign_in(2)
    other = a_sign_in(3, account_id="bob", subject="s2", provider_session="")
    foreign = a_sign_in(4, issuer="https://other.example.org")
    for each in (first, second, other, foreign):
        await store.remember(each)
    assert await store.find("ada", NOW + 1 / 3) == first
    assert await store.find("bob", NOW + 1 / 3) is None
    for asked, found in (
        ({"subject": "s1", "provider_session": ""}, [first, second]),
        ({"subject": "s1", "provider_session": "sid2"}, [second]),
        ({"subject": "", "provider_session": "sid1"}, [first]),
        ({"subject": "s2", "provider_session": "sid1"}, []),
        ({"subject": "s2", "provider_session": ""}, [other]),
    ):
        assert list(await store.matching("https://id.example.org", **asked)) == found


async def test_what_has_ended_is_forgotten(store: ProviderSignInStore) -> None:
    first, second = a_sign_in(1), a_sign_in(2)
    for each in (first, second):
        await store.remember(each)
    await store.forget([])
    await store.forget([first.id, "unknown"])
    assert await store.find("ada", first.proven_at) is None
    assert await store.find("ada", second.proven_at) == second


async def test_of_two_with_one_proof_the_latest_is_meant(store: ProviderSignInStore) -> None:
    await store.remember(a_sign_in(1, proven_at=NOW))
    await store.remember(a_sign_in(2, proven_at=NOW))
    found = await store.find("ada", NOW)
    assert found is not None
    assert found.id == "id2"


async def test_they_are_forgotten_by_age(store: ProviderSignInStore) -> None:
    for number in range(6):
        await store.remember(a_sign_in(number))
    assert await store.prune(now=NOW + 103) in (2, 4)
    rest = await store.matching("https://id.example.org", subject="s1", provider_session="")
    assert [each.id for each in rest] == ["id4", "id5"]
