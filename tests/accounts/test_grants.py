from __future__ import annotations

import pytest

from tests.accounts.application import ALICE, EMAIL, PASSWORD
from tests.accounts.fakes import World
from zenith.kernel.errors import AuthenticationError, ServiceUnavailableError
from zenith.kernel.events import EventType
from zenith.tokens import TokenError, TokenReusedError


@pytest.fixture
async def world():
    world = World()
    await world.registration.register(EMAIL, PASSWORD, client=ALICE)
    world.pair = await world.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
    world.events.recorded.clear()
    return world


async def test_a_refresh_token_is_spent_for_the_next_pair(world):
    pair = await world.grants.rotate(world.pair.refresh_token, client=ALICE)
    assert pair.refresh_token != world.pair.refresh_token
    assert pair.session_id == world.pair.session_id
    assert await world.holds(pair.access_token)
    assert await world.holds(world.pair.access_token)
    issued, event = world.events.noted
    assert (issued.type, issued.session_id) == (EventType.TOKEN_ISSUED, pair.session_id)
    assert (event.type, event.session_id) == (EventType.TOKEN_REFRESHED, pair.session_id)


async def test_the_next_pair_carries_the_roles_of_now(world):
    account = await world.accounts.by_email(EMAIL)
    await world.accounts.set_roles(account.id, ["moderator"], keep_one=None)
    world.pass_time(2)
    pair = await world.grants.rotate(world.pair.refresh_token, client=ALICE)
    claims = await world.manager.verify_token(pair.access_token, "access")
    assert claims["roles"] == ["moderator"]


async def test_a_token_that_is_under_way_while_a_role_is_taken_is_refused(world, monkeypatch):
    """It says what held a moment before."""

    class Slow:
        async def find(self, subject_id):
            found = await world.subjects.find(subject_id)
            world.pass_time(0.01)
            await world.sessions.renew([subject_id])
            world.pass_time(0.01)
            return found

    monkeypatch.setattr(world.grants, "_subjects", Slow())
    pair = await world.grants.rotate(world.pair.refresh_token, client=ALICE)
    assert not await world.holds(pair.access_token)


async def test_an_access_token_does_not_outlive_its_session(world):
    session = await world.sessions.get(world.pair.session_id)
    world.pass_time(session.expires_at - world.time() - 60)
    pair = await world.grants.rotate(world.pair.refresh_token, client=ALICE)
    assert pair.expires_in == 60
    claims = await world.manager.verify_token(pair.access_token, "access")
    assert claims["exp"] <= session.expires_at + 1
    world.pass_time(61)
    assert not await world.holds(pair.access_token)


async def reuse(world):
    await world.grants.rotate(world.pair.refresh_token, client=ALICE)
    world.pass_time(11)
    with pytest.raises(TokenReusedError):
        await world.grants.rotate(world.pair.refresh_token, client=ALICE)


async def test_a_spent_token_that_returns_ends_the_sign_in(world):
    await reuse(world)
    assert not await world.holds(world.pair.access_token)
    assert await world.sessions.get(world.pair.session_id) is None
    (event,) = world.events.recorded
    assert (event.type, event.severity, event.outcome) == (
        EventType.TOKEN_REUSED,
        "CRITICAL",
        "denied",
    )
    assert (event.session_id, event.subject) == (world.pair.session_id, None)


async def test_the_owner_is_told_of_a_reuse_once(world):
    await reuse(world)
    with pytest.raises(TokenError):
        await world.grants.rotate(world.pair.refresh_token, client=ALICE)
    assert len(world.mails) == 1
    await world.notices.drain()
    (entry,) = world.outbox.entries()
    assert (entry.mail.to, entry.mail.kind) == (EMAIL, "refresh_token_reused")
    assert ALICE.address in entry.mail.text


async def test_the_alarm_is_raised_even_if_the_session_could_not_be_ended(world, monkeypatch):
    await world.grants.rotate(world.pair.refresh_token, client=ALICE)
    world.pass_time(11)

    async def fail(*args, **more):
        raise ServiceUnavailableError

    monkeypatch.setattr(world.session_store, "end", fail)
    with pytest.raises(ServiceUnavailableError):
        await world.grants.rotate(world.pair.refresh_token, client=ALICE)
    assert world.events.types == [EventType.TOKEN_REUSED]


async def test_access_tokens_die_although_the_session_is_gone_already(world):
    await world.grants.rotate(world.pair.refresh_token, client=ALICE)
    account = await world.accounts.by_email(EMAIL)
    await world.session_store.end(world.pair.session_id, account_id=account.id)
    world.pass_time(11)
    with pytest.raises(TokenReusedError):
        await world.grants.rotate(world.pair.refresh_token, client=ALICE)
    assert not await world.holds(world.pair.access_token)


async def test_no_token_outlives_its_session(world):
    account = await world.accounts.by_email(EMAIL)
    await world.sessions.end(world.pair.session_id, account_id=account.id)
    with pytest.raises(AuthenticationError):
        await world.grants.rotate(world.pair.refresh_token, client=ALICE)
    # And its family is over, not only refused this once.
    assert not await world.grants._refresh.revoke_family(world.pair.session_id)


async def test_no_token_for_a_locked_account(world):
    account = await world.accounts.by_email(EMAIL)
    await world.accounts.set_locked(account.id, 1.0, keep_one=None)
    world.pass_time(2)
    with pytest.raises(AuthenticationError):
        await world.grants.rotate(world.pair.refresh_token, client=ALICE)
    assert not await world.grants._refresh.revoke_family(world.pair.session_id)


async def test_no_token_for_an_account_that_is_gone(world):
    world.accounts._accounts.clear()
    world.pass_time(2)
    with pytest.raises(AuthenticationError):
        await world.grants.rotate(world.pair.refresh_token, client=ALICE)
