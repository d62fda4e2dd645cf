"""Whose account an identity opens, and who may link and unlink."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.accounts.application import ALICE
from tests.accounts.fakes import World
from tests.oauth.flow import OIDC, Journey
from zenith.accounts import Account, AccountSettings
from zenith.accounts.errors import RegistrationClosedError
from zenith.accounts.wording import WORDINGS
from zenith.kernel.errors import AuthenticationError, ConflictError, NotFoundError
from zenith.kernel.events import EventType
from zenith.kernel.principal import Principal
from zenith.oauth import (
    FACTOR,
    MAX_IDENTITIES,
    AccountClosedError,
    LastWayInError,
    NotLinkedError,
    ProvenIdentity,
)

PROVEN = ProvenIdentity(
    issuer=OIDC.issuer,
    subject="s1",
    email="Ada@Example.org",
    email_verified=True,
    name="Ada",
    authenticated_at=1.0,
)


@pytest.fixture
def journey():
    return Journey()


async def enter(journey, **changes):
    return await journey.identities.account_of(OIDC, replace(PROVEN, **changes), client=ALICE)


async def link(journey, account_id, **changes):
    proven = replace(PROVEN, **changes)
    await journey.identities.link(account_id, OIDC, proven, session_id="here", client=ALICE)


async def test_a_new_identity_makes_an_account_without_a_password(journey):
    account = await enter(journey)
    assert (account.email, account.email_key) == ("Ada@example.org", "ada@example.org")
    assert account.name == "Ada"
    assert account.password_hash is None
    assert account.email_verified_at == journey.time.now
    assert account.roles == ("user",)
    assert journey.world.events.types == [EventType.ACCOUNT_CREATED]


async def test_a_known_identity_opens_its_account(journey):
    account = await enter(journey)
    journey.world.pass_time(60)
    assert (await enter(journey, email="new@example.org")).id == account.id
    (linked,) = await journey.identities.of_account(account.id)
    assert linked.last_used_at == journey.time.now
    assert linked.label == "new@example.org"


async def test_a_locked_account_is_not_opened(journey):
    account = await enter(journey)
    await journey.world.accounts.set_locked(account.id, 1.0, keep_one=None)
    with pytest.raises(AccountClosedError):
        await enter(journey)
    told = journey.world.events.recorded[-1]
    assert (told.type, told.outcome, told.scheme) == (EventType.LOGIN_FAILED, "failure", FACTOR)
    assert told.reason == "oidc: the account of this identity is locked or gone"


async def test_where_registration_is_closed_nobody_joins():
    closed = Journey(World(settings=AccountSettings(open_registration=False)))
    for journey in (closed, Journey(sign_up=False)):
        with pytest.raises(RegistrationClosedError):
            await enter(journey)
        assert journey.world.events.types[-1] is EventType.LOGIN_FAILED


async def test_a_race_for_the_email_is_lost_without_a_trace(journey, monkeypatch):
    await enter(journey)

    async def nobody(key):
        return None

    monkeypatch.setattr(journey.world.accounts, "by_email", nobody)
    with pytest.raises(NotLinkedError):
        await enter(journey, subject="s2")
    assert await journey.store.find(OIDC.issuer, "s2") is None


async def test_linking_is_recorded_and_told_once(journey):
    account = await enter(journey)
    await link(journey, account.id, subject="s2")
    await link(journey, account.id, subject="s2")
    assert journey.world.events.types.count(EventType.IDENTITY_LINKED) == 1
    ((told, notice, facts),) = journey.letters.told
    assert (told, notice) == (account.id, "identity_linked")
    assert facts.items() >= {"provider": "single sign-on", "address": ALICE.address}.items()
    assert set(facts) == set(WORDINGS[notice].facts)
    assert await journey.identities.is_linked(account.id, replace(PROVEN, subject="s2"))
    assert not await journey.identities.is_linked("another", PROVEN)


async def test_links_have_an_end(journey):
    account = await enter(journey)
    for number in range(MAX_IDENTITIES - 1):
        await link(journey, account.id, subject=f"n{number}")
    with pytest.raises(ConflictError):
        await link(journey, account.id, subject="one too many")


async def test_nothing_is_linked_to_an_account_that_is_locked_or_gone(journey):
    account = await enter(journey)
    await journey.world.accounts.set_locked(account.id, 1.0, keep_one=None)
    for account_id in (account.id, "gone"):
        with pytest.raises(AuthenticationError):
            await link(journey, account_id, subject="s2")


async def test_unlinking_ends_the_other_sign_ins(journey):
    account = await enter(journey)
    await link(journey, account.id, subject="s2")
    mine, _ = await journey.world.sessions.start(account.id, kind="browser")
    other, _ = await journey.world.sessions.start(account.id, kind="browser")
    principal = Principal(subject=account.id, session_id=mine.id)
    first, second = await journey.identities.of_account(account.id)
    await journey.identities.unlink(principal, first.id, client=ALICE)
    assert await journey.world.sessions.get(mine.id) is not None
    assert await journey.world.sessions.get(other.id) is None
    _, notice, facts = journey.letters.told[-1]
    assert notice == "identity_unlinked"
    assert set(facts) == set(WORDINGS[notice].facts)
    assert journey.world.events.types[-1] is EventType.IDENTITY_UNLINKED
    with pytest.raises(LastWayInError):
        await journey.identities.unlink(principal, second.id, client=ALICE)
    with pytest.raises(NotFoundError):
        await journey.identities.unlink(principal, first.id, client=ALICE)


async def test_nobody_unlinks_for_others(journey):
    account = await enter(journey)
    (linked,) = await journey.identities.of_account(account.id)
    with pytest.raises(NotFoundError):
        await journey.identities.unlink(Principal(subject="eve"), linked.id, client=ALICE)


async def test_one_that_went_meanwhile_is_not_found(journey, monkeypatch):
    account = await enter(journey)
    (linked,) = await journey.identities.of_account(account.id)

    async def gone(*_, **__):
        return "unknown"

    monkeypatch.setattr(journey.store, "unlink", gone)
    principal = Principal(subject=account.id)
    with pytest.raises(NotFoundError):
        await journey.identities.unlink(principal, linked.id, client=ALICE)


async def test_an_application_without_mail_tells_nobody(journey):
    journey.identities._notices = None
    await journey.world.accounts.create(
        Account(id="a", email="a", email_key="a", password_hash="x", created_at=1.0)
    )
    await link(journey, "a")
    (linked,) = await journey.identities.of_account("a")
    await journey.identities.unlink(Principal(subject="a"), linked.id, client=ALICE)
    assert journey.letters.told == []
