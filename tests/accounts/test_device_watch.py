"""A bound sign-in that is used elsewhere ends, and its owner is told."""

from __future__ import annotations

import pytest

from tests.accounts.application import ALICE, EMAIL, KEY, PASSWORD
from tests.accounts.fakes import World
from tests.pipeline.asgi import make_exchange
from zenith.accounts import Client, DeviceWatch, TokenGrants
from zenith.kernel.errors import AuthenticationError
from zenith.kernel.events import EventType
from zenith.sessions import DeviceBinding
from zenith.tokens import RefreshTokens, TokenError

AWAY = Client(address="203.0.113.9", user_agent=ALICE.user_agent)


class Told:
    def __init__(self):
        self.notices = []

    async def tell(self, account, notice, **facts):
        self.notices.append((account.email, notice, facts))


@pytest.fixture
async def world():
    world = World()
    await world.registration.register(EMAIL, PASSWORD, client=ALICE)
    world.told = Told()
    return world


def watch(world, binding="both", **more):
    refresh = RefreshTokens(world.refresh_store, KEY, clock=world.time)
    given = {"notices": world.told} | more
    return DeviceWatch(
        DeviceBinding(binding),
        accounts=world.accounts,
        sessions=world.sessions,
        refresh=refresh,
        events=world.events,
        clock=world.time,
        **given,
    )


def bind(world, **more):
    """Grants like those of the world, that watch."""
    world.grants = TokenGrants(
        manager=world.manager,
        refresh=RefreshTokens(world.refresh_store, KEY, clock=world.time),
        sessions=world.sessions,
        subjects=world.subjects,
        events=world.events,
        access_lifetime=900,
        watch=watch(world, **more),
        clock=world.time,
    )


async def test_a_refresh_token_from_elsewhere_ends_the_sign_in(world):
    pair = await world.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
    bind(world)
    again = await world.grants.rotate(pair.refresh_token, client=ALICE)
    with pytest.raises(AuthenticationError):
        await world.grants.rotate(again.refresh_token, client=AWAY)
    assert await world.sessions.get(pair.session_id) is None
    assert not await world.holds(again.access_token)
    with pytest.raises(TokenError):
        await world.grants.rotate(again.refresh_token, client=ALICE)
    event = world.events.recorded[-1]
    assert (event.type, event.outcome, event.severity, event.session_id, event.address) == (
        EventType.SUSPICIOUS_ACTIVITY,
        "failure",
        "WARNING",
        pair.session_id,
        AWAY.address,
    )
    assert event.reason == "a sign-in was used from another network and was ended"
    ((email, notice, facts),) = world.told.notices
    assert (email, notice, facts["address"]) == (EMAIL, "session_elsewhere", AWAY.address)


async def test_a_cookie_from_elsewhere_ends_the_session(world):
    signed_in = await world.sign_in.with_cookie(EMAIL, PASSWORD, client=ALICE)
    watching = watch(world)
    agent = [("user-agent", ALICE.user_agent)]
    home = make_exchange(headers=agent, client=ALICE.address)
    assert watching.breach(signed_in.session, home) == ""
    away = make_exchange(headers=[("user-agent", "curl/8")], client=ALICE.address)
    found = watching.breach(signed_in.session, away)
    assert found == "user_agent"
    await watching.end(signed_in.session, found, away)
    assert await world.sessions.get(signed_in.session.id) is None
    assert world.told.notices[0][1] == "session_elsewhere"


async def test_without_mails_and_without_an_account_the_session_ends_all_the_same(world):
    for gone in (False, True):
        session = (await world.sign_in.with_cookie(EMAIL, PASSWORD, client=ALICE)).session
        watching = watch(world, notices=world.told if gone else None)
        if gone:

            async def nobody(account_id):
                return None

            world.accounts.by_id = nobody
        await watching.end(session, "network", make_exchange())
        assert await world.sessions.get(session.id) is None
    assert world.told.notices == []


async def test_what_is_not_bound_goes_on(world):
    pair = await world.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
    bind(world, binding="user_agent")
    assert await world.grants.rotate(pair.refresh_token, client=AWAY)
