"""Every store of identities and authorizations keeps the contracts of `zenith.oauth.store`."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from zenith.accounts.store import Account
from zenith.oauth.store import Identity, PendingAuthorization
from zenith.stores.memory import (
    MemoryAccountStore,
    MemoryAuthorizationStore,
    MemoryIdentityStore,
)
from zenith.stores.sql import SqlAccountStore, SqlAuthorizationStore, SqlIdentityStore

RACERS = 200


def account(number=1, **changes):
    given = {
        "id": f"account-{number}",
        "email": f"a{number}@example.org",
        "email_key": f"a{number}@example.org",
        "created_at": 1.0,
    }
    return Account(**{**given, **changes})


def identity(number=1, **changes):
    given = {
        "id": f"identity-{number}",
        "account_id": "account-1",
        "issuer": "https://id.example.org",
        "subject": f"subject-{number}",
        "provider": "oidc",
        "label": "a@example.org",
        "created_at": float(number),
        "last_used_at": float(number),
    }
    return Identity(**{**given, **changes})


def pending(**changes):
    given = {
        "digest": "d" * 64,
        "browser": "b" * 64,
        "provider": "oidc",
        "purpose": "link",
        "wanted": "/account/",
        "challenge": "c" * 43,
        "account_id": "account-1",
        "session_id": "session-1",
        "created_at": 1.0,
        "expires_at": 100.0,
    }
    return PendingAuthorization(**{**given, **changes})


@pytest.fixture
def stores(place):
    if place.database is None:
        accounts = MemoryAccountStore()
        return accounts, MemoryIdentityStore(accounts)
    accounts = SqlAccountStore(place.database)
    return accounts, SqlIdentityStore(place.database, accounts)


@pytest.fixture
def authorizations(place):
    if place.database is None:
        return MemoryAuthorizationStore()
    return SqlAuthorizationStore(place.database)


async def test_an_account_comes_with_its_first_identity(stores):
    accounts, identities = stores
    assert await identities.adopt(account(), identity()) == "created"
    assert await identities.find("https://id.example.org", "subject-1") == identity()
    assert (await accounts.by_id("account-1")).email == "a1@example.org"


async def test_issuer_and_subject_are_compared_letter_by_letter(stores):
    _, identities = stores
    await identities.adopt(account(), identity(subject="Abc"))
    assert await identities.find("https://id.example.org", "abc") is None
    assert await identities.find("https://id.example.org/", "Abc") is None
    assert await identities.find("https://other.example.org", "Abc") is None


async def test_a_taken_email_stores_nothing(stores):
    _, identities = stores
    await identities.adopt(account(), identity())
    other = account(2, email_key="a1@example.org")
    assert await identities.adopt(other, identity(2, account_id="account-2")) == "email_taken"
    assert await identities.find("https://id.example.org", "subject-2") is None


async def test_a_taken_identity_stores_no_account(stores):
    accounts, identities = stores
    await identities.adopt(account(), identity())
    twin = identity(2, account_id="account-2", subject="subject-1")
    assert await identities.adopt(account(2), twin) == "identity_taken"
    assert await accounts.by_id("account-2") is None


async def test_of_many_who_make_one_identity_an_account_one_does(stores):
    accounts, identities = stores
    outcomes = await asyncio.gather(
        *(
            identities.adopt(
                account(number), identity(number, account_id=f"account-{number}", subject="one")
            )
            for number in range(40)
        )
    )
    assert Counter(outcomes) == {"created": 1, "identity_taken": 39}
    assert len(await accounts.page(after=None, limit=100)) == 1


async def test_of_many_with_one_email_and_identity_one_makes_the_account(stores):
    accounts, identities = stores
    outcomes = await asyncio.gather(
        *(
            identities.adopt(
                account(number, email_key="one@example.org"),
                identity(number, account_id=f"account-{number}", subject="one"),
            )
            for number in range(40)
        )
    )
    assert Counter(outcomes) == {"created": 1, "identity_taken": 39}
    assert len(await accounts.page(after=None, limit=100)) == 1


async def test_links_are_listed_oldest_first(stores):
    _, identities = stores
    await identities.adopt(account(), identity(3))
    assert await identities.link(identity(1), most=5) == "linked"
    assert await identities.link(identity(2), most=5) == "linked"
    linked = await identities.of_account("account-1")
    assert [each.subject for each in linked] == ["subject-1", "subject-2", "subject-3"]
    assert list(await identities.of_account("account-2")) == []


async def test_a_link_is_made_once_and_for_one_account(stores):
    accounts, identities = stores
    await identities.adopt(account(), identity())
    await accounts.create(account(2))
    assert await identities.link(identity(2, subject="subject-1"), most=5) == "present"
    stolen = identity(3, account_id="account-2", subject="subject-1")
    assert await identities.link(stolen, most=5) == "taken"
    assert (await identities.find("https://id.example.org", "subject-1")).id == "identity-1"


async def test_an_account_has_so_many_links_at_most(stores):
    accounts, identities = stores
    await accounts.create(account())
    outcomes = await asyncio.gather(
        *(identities.link(identity(number), most=3) for number in range(12))
    )
    assert Counter(outcomes) == {"linked": 3, "full": 9}
    assert await identities.link((await identities.of_account("account-1"))[0], most=3) == "present"


async def test_nothing_is_linked_to_an_account_that_is_gone(stores):
    _, identities = stores
    assert await identities.link(identity(), most=5) == "taken"
    assert await identities.find("https://id.example.org", "subject-1") is None


async def test_the_last_way_in_is_kept(stores):
    accounts, identities = stores
    await identities.adopt(account(), identity())
    assert await identities.unlink("account-1", "identity-1", other_way=False) == "kept"
    assert await identities.unlink("account-2", "identity-1", other_way=True) == "unknown"
    assert await identities.unlink("account-1", "identity-9", other_way=True) == "unknown"
    await accounts.set_password("account-1", "hash", expected=None, changed_at=2.0)
    assert await identities.unlink("account-1", "identity-1", other_way=False) == "unlinked"
    assert list(await identities.of_account("account-1")) == []


async def test_another_way_in_is_enough(stores):
    _, identities = stores
    await identities.adopt(account(), identity())
    assert await identities.unlink("account-1", "identity-1", other_way=True) == "unlinked"


async def test_of_many_that_remove_all_links_one_stays(stores):
    _, identities = stores
    await identities.adopt(account(), identity())
    for number in range(2, 11):
        await identities.link(identity(number), most=20)
    outcomes = await asyncio.gather(
        *(
            identities.unlink("account-1", f"identity-{number}", other_way=False)
            for number in range(1, 11)
        )
    )
    assert Counter(outcomes) == {"unlinked": 9, "kept": 1}


async def test_links_made_lately_go(stores):
    _, identities = stores
    await identities.adopt(account(), identity())
    await identities.link(replace(identity(2), created_at=50.0), most=5)
    assert list(await identities.unlink_since("account-2", 0.0)) == []
    assert list(await identities.unlink_since("account-1", 50.0)) == ["oidc"]
    assert [each.id for each in await identities.of_account("account-1")] == ["identity-1"]


async def test_use_is_remembered(stores):
    _, identities = stores
    await identities.adopt(account(), identity())
    await identities.note_use("identity-1", at=9.0, label="new@example.org")
    found = await identities.find("https://id.example.org", "subject-1")
    assert found == replace(identity(), last_used_at=9.0, label="new@example.org")
    await identities.note_use("identity-9", at=9.0, label="")


async def consume(store, **changes):
    given = {"browser": "b" * 64, "provider": "oidc", "now": 50.0}
    return await store.consume("d" * 64, **{**given, **changes})


async def test_a_state_counts_once(authorizations):
    await authorizations.put(pending())
    assert await consume(authorizations) == pending()
    assert await consume(authorizations) is None


@pytest.mark.parametrize("wrong", [{"browser": "x" * 64}, {"provider": "google"}, {"now": 100.0}])
async def test_a_state_counts_for_its_browser_provider_and_time(authorizations, wrong):
    await authorizations.put(pending())
    assert await consume(authorizations, **wrong) is None
    assert await consume(authorizations) == pending()


async def test_of_many_that_spend_one_state_one_does(authorizations):
    await authorizations.put(pending())
    found = await asyncio.gather(*(consume(authorizations) for _ in range(RACERS)))
    assert sum(each is not None for each in found) == 1


async def test_expired_states_are_pruned(authorizations):
    await authorizations.put(pending())
    await authorizations.put(pending(digest="e" * 64, expires_at=10.0))
    assert await authorizations.prune(now=50.0) == 1
    assert await authorizations.prune(now=50.0) == 0
    assert await consume(authorizations) is not None
