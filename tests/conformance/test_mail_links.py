"""Every store of mailed links keeps the contract of `zenith.accounts.store`."""

from __future__ import annotations

import asyncio

import pytest

from zenith.accounts.store import Account, AccountStore, EmailChange, MailLink, MailLinkStore
from zenith.mail import QueuedMail
from zenith.stores.memory import MemoryMailLinkStore
from zenith.stores.sql import SqlMailLinkStore

NOW = 1000.0
USES = ("verify_email", "reset_password", "change_email", "revert_email")


@pytest.fixture
def links(place, accounts: AccountStore) -> MailLinkStore:
    if place.database is None:
        return MemoryMailLinkStore(accounts)
    return SqlMailLinkStore(place.database)


async def make(accounts: AccountStore, name: str = "ada", **more) -> Account:
    values = {"created_at": 10.0, "password_hash": "old", "password_changed_at": 10.0} | more
    account = Account(id=name, email=f"{name}@x.org", email_key=f"{name}@x.org", **values)
    assert await accounts.create(account)
    return account


def link(digest: str, purpose: str, *, email: str = "ada@x.org", **more) -> MailLink:
    values = {
        "account_id": "ada",
        "password_changed_at": 10.0,
        "created_at": 900.0,
        "expires_at": 2000.0,
    } | more
    return MailLink(digest=digest, purpose=purpose, email=email, email_key=email, **values)


def no_mails(_: EmailChange) -> list[QueuedMail]:
    return []


async def use(links: MailLinkStore, digest: str, purpose: str, *, now: float = NOW):
    if purpose == "verify_email":
        return await links.verify_email(digest, now=now)
    if purpose == "reset_password":
        return await links.reset_password(digest, "new", now=now)
    if purpose == "change_email":
        return await links.change_email(
            digest, revert=f"back-{digest}", now=now, until=3000.0, mails=no_mails
        )
    return await links.revert_email(digest, now=now, keep_one="root")


@pytest.mark.parametrize("purpose", USES)
async def test_a_link_is_used_once_for_its_purpose_in_its_time(accounts, links, purpose) -> None:
    await make(accounts)
    await links.issue(link("d", purpose))
    for other in USES:
        if other != purpose:
            assert await links.check("d", purpose=other, now=NOW) is None
            assert await use(links, "d", other) is None
    assert await use(links, "unknown", purpose) is None
    assert await use(links, "d", purpose, now=2000.0) is None
    assert await links.check("d", purpose=purpose, now=2000.0) is None
    assert await links.check("d", purpose=purpose, now=NOW) == link("d", purpose)
    assert await use(links, "d", purpose) is not None
    assert await use(links, "d", purpose) is None
    assert await links.check("d", purpose=purpose, now=NOW) is None


@pytest.mark.parametrize("purpose", USES)
async def test_of_many_who_use_a_link_one_succeeds(accounts, links, purpose, place) -> None:
    await make(accounts)
    await links.issue(link("d", purpose))
    whole = place.database is None or (purpose, place.database.dialect) == (
        "reset_password",
        "sqlite",
    )
    callers = 1000 if whole else 200
    results = await asyncio.gather(*(use(links, "d", purpose) for _ in range(callers)))
    assert sum(result is not None for result in results) == 1


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("verify_email", "verify_email", False),
        ("verify_email", "reset_password", True),
        ("verify_email", "change_email", True),
        ("reset_password", "reset_password", False),
        ("reset_password", "change_email", False),
        ("change_email", "change_email", False),
    ],
)
async def test_two_links_of_one_account_do_not_wait_for_each_other(
    accounts, links, one, other, both
) -> None:
    """Each ends the other; whoever comes second finds nothing, and no database breaks a tie."""
    owners = [f"owner{number}" for number in range(5)]
    pair = (("one", one), ("other", other))
    for owner in owners:
        await make(accounts, owner)
        for digest, purpose in pair:
            email = f"{'new' if purpose == 'change_email' else ''}{owner}@x.org"
            await links.issue(link(f"{owner} {digest}", purpose, email=email, account_id=owner))
    uses = [(f"{owner} {digest}", purpose) for owner in owners for digest, purpose in pair]
    found = await asyncio.gather(*(use(links, digest, purpose) for digest, purpose in uses))
    for first, second in zip(found[::2], found[1::2], strict=True):
        assert first is not None or second is not None
        assert both or first is None or second is None


async def test_verifying_notes_the_time_and_ends_the_other_links_of_its_kind(
    accounts, links
) -> None:
    await make(accounts)
    await links.issue(link("d1", "verify_email"))
    await links.issue(link("d2", "verify_email"))
    await links.issue(link("r", "reset_password"))
    assert await links.verify_email("d1", now=NOW) is not None
    assert (await accounts.by_id("ada")).email_verified_at == NOW
    assert await links.verify_email("d2", now=NOW) is None
    assert await links.check("r", purpose="reset_password", now=NOW) is not None


async def test_a_link_to_another_address_verifies_nothing(accounts, links) -> None:
    await make(accounts)
    await links.issue(link("d", "verify_email", email="former@x.org"))
    assert await links.verify_email("d", now=NOW) is None
    assert (await accounts.by_id("ada")).email_verified_at is None


async def test_a_reset_replaces_the_password_and_voids_what_waits(accounts, links) -> None:
    await make(accounts)
    for purpose in USES:
        await links.issue(link(purpose, purpose))
    await links.issue(link("d", "reset_password"))
    assert await links.reset_password("d", "new", now=NOW) is not None
    account = await accounts.by_id("ada")
    assert (account.password_hash, account.password_changed_at) == ("new", NOW)
    assert account.email_verified_at == NOW
    left = [each for each in USES if await links.check(each, purpose=each, now=NOW)]
    assert left == ["revert_email"]


async def test_a_verified_address_keeps_its_time(accounts, links) -> None:
    await make(accounts, email_verified_at=5.0)
    await links.issue(link("d", "reset_password"))
    assert await links.reset_password("d", "new", now=NOW) is not None
    assert (await accounts.by_id("ada")).email_verified_at == 5.0


@pytest.mark.parametrize("purpose", ["reset_password", "change_email"])
async def test_a_changed_password_voids_a_link(accounts, links, purpose) -> None:
    await make(accounts)
    await links.issue(link("d", purpose, email="new@x.org"))
    await accounts.set_password("ada", "other", expected="old", changed_at=950.0)
    assert await use(links, "d", purpose) is None
    account = await accounts.by_id("ada")
    assert (account.password_hash, account.email) == ("other", "ada@x.org")


@pytest.mark.parametrize("purpose", ["reset_password", "change_email"])
async def test_a_rehash_does_not(accounts, links, purpose) -> None:
    await make(accounts)
    await links.issue(link("d", purpose))
    await accounts.set_password("ada", "rehashed", expected="old", changed_at=None)
    assert await use(links, "d", purpose) is not None


@pytest.mark.parametrize("purpose", ["reset_password", "change_email"])
async def test_a_locked_account_is_not_opened_by_a_link(accounts, links, purpose) -> None:
    await make(accounts)
    await links.issue(link("d", purpose, email="ada@x.org"))
    await accounts.set_locked("ada", 950.0, keep_one=None)
    assert await use(links, "d", purpose) is None
    assert (await accounts.by_id("ada")).password_hash == "old"


async def test_a_first_password_is_set_by_a_link(accounts, links) -> None:
    await make(accounts, password_hash=None, password_changed_at=None)
    await links.issue(link("d", "reset_password", password_changed_at=None))
    assert await links.reset_password("d", "new", now=NOW) is not None


async def test_an_address_changes_and_comes_back(accounts, links) -> None:
    await make(accounts)
    await links.issue(link("d", "change_email", email="new@x.org"))
    change = await links.change_email("d", revert="back", now=NOW, until=3000.0, mails=no_mails)
    assert change is not None
    assert (change.account_id, change.former, change.present) == ("ada", "ada@x.org", "new@x.org")
    account = await accounts.by_email("new@x.org")
    assert account is not None
    assert account.email_verified_at == NOW
    assert await accounts.by_email("ada@x.org") is None
    back = await links.check("back", purpose="revert_email", now=NOW)
    assert back is not None
    assert (back.email, back.expires_at) == ("ada@x.org", 3000.0)
    assert await links.revert_email("back", now=2500.0, keep_one="root") == back
    account = await accounts.by_email("ada@x.org")
    assert account is not None
    assert (account.password_hash, account.password_changed_at) == (None, 2500.0)


async def test_an_address_that_was_taken_meanwhile_changes_nothing(accounts, links) -> None:
    await make(accounts)
    await links.issue(link("d", "change_email", email="ben@x.org"))
    await make(accounts, "ben")
    assert (
        await links.change_email("d", revert="back", now=NOW, until=3000.0, mails=no_mails) is None
    )
    assert (await accounts.by_id("ada")).email == "ada@x.org"
    assert (await accounts.by_id("ben")).email == "ben@x.org"
    assert await links.check("back", purpose="revert_email", now=NOW) is None


async def test_two_accounts_that_want_one_address_race(accounts, links) -> None:
    await make(accounts)
    await make(accounts, "ben")
    await links.issue(link("a", "change_email", email="new@x.org"))
    await links.issue(link("b", "change_email", email="new@x.org", account_id="ben"))
    results = await asyncio.gather(*(use(links, each, "change_email") for each in ("a", "b")))
    assert sum(result is not None for result in results) == 1
    assert await accounts.by_email("new@x.org") is not None


async def test_a_revert_ends_what_was_issued_after_it_and_keeps_what_was_before(
    accounts, links
) -> None:
    await make(accounts)
    await links.issue(link("before", "revert_email", email="first@x.org", created_at=800.0))
    await links.issue(link("d", "revert_email", created_at=900.0))
    await links.issue(link("after", "revert_email", email="thief@x.org", created_at=950.0))
    await links.issue(link("reset", "reset_password", created_at=960.0))
    assert await links.revert_email("d", now=NOW, keep_one="root") is not None
    assert await links.check("before", purpose="revert_email", now=NOW) is not None
    assert await links.check("after", purpose="revert_email", now=NOW) is None
    assert await links.check("reset", purpose="reset_password", now=NOW) is None


@pytest.mark.parametrize(
    ("verified", "created", "given_back"),
    [(None, 950.0, True), (960.0, 950.0, False), (None, 100.0, False)],
)
async def test_who_took_the_address_meanwhile_gives_way_unless_it_is_his(
    accounts, links, verified, created, given_back
) -> None:
    await make(accounts)
    await links.issue(link("d", "revert_email", email="old@x.org"))
    squatter = Account(
        id="eve",
        email="old@x.org",
        email_key="old@x.org",
        created_at=created,
        email_verified_at=verified,
    )
    assert await accounts.create(squatter)
    assert (await links.revert_email("d", now=NOW, keep_one="root") is not None) is given_back
    holder = await accounts.by_email("old@x.org")
    assert holder is not None
    assert holder.id == ("ada" if given_back else "eve")


@pytest.mark.parametrize(
    ("others", "keep_one", "given_back"),
    [((), "root", False), ((), None, True), (("ann",), "root", True)],
)
async def test_the_last_administrator_gives_way_to_nobody(
    accounts, links, others, keep_one, given_back
) -> None:
    await make(accounts)
    await links.issue(link("d", "revert_email", email="old@x.org"))
    for name in ("eve", *others):
        email = "old@x.org" if name == "eve" else f"{name}@x.org"
        root = Account(id=name, email=email, email_key=email, created_at=950.0, roles=("root",))
        assert await accounts.create(root)
    reverted = await links.revert_email("d", now=NOW, keep_one=keep_one)
    assert (reverted is not None) is given_back
    assert (await accounts.by_id("eve") is None) is given_back
    # Nothing else has changed either: the link can be used once somebody else is appointed.
    usable = await links.check("d", purpose="revert_email", now=NOW)
    assert (usable is None) is given_back
    ada = await accounts.by_id("ada")
    assert (ada.password_hash is None) is given_back


async def test_links_go_with_their_account(accounts, links) -> None:
    await make(accounts)
    await links.issue(link("d", "revert_email"))
    assert await accounts.delete("ada", keep_one=None) == "deleted"
    assert await links.revert_email("d", now=NOW, keep_one="root") is None
    assert await accounts.by_email("ada@x.org") is None


async def test_expired_links_are_pruned(accounts, links) -> None:
    await make(accounts)
    await links.issue(link("d1", "verify_email"))
    await links.issue(link("d2", "verify_email", expires_at=2500.0))
    assert await links.prune(now=2000.0) == 1
    assert await links.prune(now=2000.0) == 0
    assert await links.verify_email("d2", now=2000.0) is not None
