"""Columns of the application's own, and the end of accounts, in every store."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from zenith.accounts.model import AccountModel
from zenith.accounts.store import Account, AccountStore
from zenith.kernel.errors import ValidationError
from zenith.sessions.store import SessionRecord, SessionStore
from zenith.stores.memory import MemoryAccountStore
from zenith.stores.sql import SqlAccountStore
from zenith.tokens.store import RefreshFamily, RefreshStore


@dataclass(frozen=True, kw_only=True)
class Member(Account):
    company: str = ""
    seats: int = 1


@pytest.fixture
def members(place) -> AccountStore:
    model = AccountModel(Member)
    if place.database is None:
        return MemoryAccountStore(model=model)
    return SqlAccountStore(place.database, model)


def member(name: str = "ada", **more) -> Member:
    return Member(id=name, email=f"{name}@x.org", email_key=f"{name}@x.org", created_at=1.0, **more)


async def test_they_are_stored_and_loaded(members) -> None:
    ada = member(company="Acme", seats=3)
    assert await members.create(ada)
    assert await members.by_id("ada") == ada
    assert await members.by_email("ada@x.org") == ada
    assert list(await members.page(after=None, limit=5)) == [ada]


async def test_a_plain_account_gets_the_defaults(members) -> None:
    assert await members.create(
        Account(id="ben", email="ben@x.org", email_key="ben@x.org", created_at=1.0)
    )
    assert await members.by_id("ben") == member("ben")


async def test_a_change_leaves_the_others_as_they_are(members) -> None:
    await members.create(member(company="Acme"))
    assert await members.update_profile("ada", {"seats": 7})
    found = await members.by_id("ada")
    assert (found.company, found.seats) == ("Acme", 7)
    assert not await members.update_profile("nobody", {"seats": 7})
    with pytest.raises(ValidationError):
        await members.update_profile("ada", {"roles": ["super_admin"]})


async def test_changes_at_the_same_time_are_all_kept(members) -> None:
    await members.create(member())
    await asyncio.gather(
        *(members.update_profile("ada", {"seats": 9}) for _ in range(20)),
        *(members.update_profile("ada", {"company": "Acme"}) for _ in range(20)),
    )
    found = await members.by_id("ada")
    assert (found.company, found.seats) == ("Acme", 9)


async def test_an_account_goes_with_its_sign_ins(
    members, sessions: SessionStore, refresh: RefreshStore, place
) -> None:
    for name in ("ada", "ben"):
        await members.create(member(name))
        await sessions.create(
            SessionRecord(
                id=name,
                account_id=name,
                kind="browser",
                digest=f"d-{name}",
                created_at=1.0,
                last_seen_at=1.0,
                idle_expires_at=100.0,
                expires_at=100.0,
            )
        )
        await refresh.start(
            RefreshFamily(
                id=name, account_id=name, handle=name, current=name, created_at=1.0, expires_at=99.0
            )
        )
    assert await members.delete("ada", keep_one=None) == "deleted"
    assert await members.delete("ada", keep_one=None) == "unknown"
    assert await members.by_id("ada") is None
    assert await members.by_email("ada@x.org") is None
    assert await members.by_id("ben") is not None
    assert await sessions.get("ben", now=2.0) is not None
    if place.database is not None:
        assert await sessions.get("ada", now=2.0) is None
        assert not await refresh.revoke_family("ada", now=2.0)
    assert await refresh.revoke_family("ben", now=2.0)
    assert await members.create(member("ada"))


async def test_the_last_holder_of_a_role_stays(members) -> None:
    await members.create(member("ada", roles=("super_admin",)))
    assert await members.delete("ada", keep_one="super_admin") == "kept"
    await members.create(member("ben", roles=("super_admin",)))
    outcomes = await asyncio.gather(
        *(members.delete(name, keep_one="super_admin") for name in ("ada", "ben"))
    )
    assert sorted(outcomes) == ["deleted", "kept"]
    assert await members.has_role("super_admin")
