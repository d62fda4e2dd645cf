"""The attack: sign people out with an order that the provider never gave: forged, for another
client, an ID token in its place, too old, or one that was sent before; or keep a session by having
the order fail half-way (OpenID Connect Back-Channel Logout 1.0 sections 2.4, 2.6 and 4)."""

from __future__ import annotations

import asyncio

import pytest

from tests.oauth.flow import OIDC, Journey
from tests.oauth.logouts import order
from zenith.accounts import Account, Client, FactorChallengeError
from zenith.kernel.keys import Secret
from zenith.kernel.sealing import Sealer
from zenith.oauth import FACTOR, LogoutTokenError, OpenIDConnect, ProviderSignOuts
from zenith.oauth.logout_token import EVENT
from zenith.stores.memory import MemoryProofStore, MemoryProviderSignInStore
from zenith.tokens import generate_key

KEY = Secret("kX3vN8qLz1TgWb6YpRj4HsDc9MfUe2Ao7iVn5xQy0tZw")
PROVIDER = OpenIDConnect(
    issuer=OIDC.issuer,
    client_id=OIDC.client_id,
    client_secret=OIDC.client_secret,
    end_session=True,
    back_channel_logout=True,
).provider()
CLIENT = Client(address="203.0.113.5")


class House(Journey):
    """Ada has come in from the provider."""

    def __init__(self):
        super().__init__()
        self.spent, self.kept = MemoryProofStore(), MemoryProviderSignInStore()
        self.sign_outs = ProviderSignOuts(
            self.kept,
            flow=self.flow,
            directory=self.directory,
            sessions=self.world.sessions,
            end_session=self.world.sign_in.end_session,
            end_waiting=self.world.pending_store.end_all,
            spent=self.spent,
            sealer=Sealer([KEY], purpose="test"),
            lifetime=86_400.0,
            clock=self.time,
        )

    async def enter(self, **visit):
        fields = self.provider.visit(await self.leave(PROVIDER), **visit)
        returned = await self.come_back(fields, PROVIDER)
        account = await self.world.accounts.by_id("ada")
        if account is None:
            account = Account(id="ada", email="a@b.org", email_key="a@b.org", created_at=1.0)
            await self.world.accounts.create(account)
        await self.sign_outs.remember(PROVIDER, "ada", returned.identity)
        factors = {FACTOR: returned.identity.authenticated_at}
        return await self.world.sign_in.enter_browser(account, factors=factors, client=CLIENT)

    async def obey(self, **claims):
        return await self.sign_outs.obey(PROVIDER, order(self.provider, **claims), client=CLIENT)

    async def living(self):
        return len(await self.world.sessions.list("ada"))


@pytest.fixture
def house():
    return House()


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": None},
        {"aud": [OIDC.client_id, "another"]},
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"iat": 1},
        {"jti": None},
        {"jti": ""},
        {"jti": 5},
        {"sub": None},
        {"sub": ["s1"]},
        {"sid": 7},
        {"events": None},
        {"events": {}},
        {"events": [EVENT]},
        {"events": {EVENT: "yes"}},
        {"nonce": "n"},
        {"typ": "at+jwt"},
        {"typ": "dpop+jwt"},
        {"key": generate_key("ES256", kid="k1")},
        {"key": generate_key("ES256", kid="unknown")},
        {"key": generate_key("HS256", kid="k1")},
    ],
)
async def test_an_order_that_does_not_hold_ends_nothing(house, claims):
    await house.enter()
    with pytest.raises(LogoutTokenError) as refused:
        await house.obey(**claims)
    assert (refused.value.status, refused.value.extensions) == (400, {"error": "invalid_request"})
    assert await house.living() == 1


async def test_an_id_token_is_no_order(house):
    await house.enter()
    (form,) = [each for each in house.provider.requests if each.url.path == "/token"]
    assert form
    token = house.provider.id_token("n", {"sub": "s1"})
    with pytest.raises(LogoutTokenError):
        await house.sign_outs.obey(PROVIDER, token, client=CLIENT)
    for rubbish in ("", "a.b.c", "x" * 9000):
        with pytest.raises(LogoutTokenError):
            await house.sign_outs.obey(PROVIDER, rubbish, client=CLIENT)
    assert await house.living() == 1


async def test_an_order_counts_once(house):
    await house.enter()
    token = order(house.provider)
    outcomes = await asyncio.gather(
        *(house.sign_outs.obey(PROVIDER, token, client=CLIENT) for _ in range(50)),
        return_exceptions=True,
    )
    assert [each for each in outcomes if not isinstance(each, LogoutTokenError)] == [1]
    await house.enter()
    with pytest.raises(LogoutTokenError, match="does not hold"):
        await house.sign_outs.obey(PROVIDER, token, client=CLIENT)
    assert await house.living() == 1


async def test_an_order_is_remembered_for_as_long_as_it_would_hold(house):
    token = order(house.provider, exp=int(house.time.now) + 10**6)
    assert await house.sign_outs.obey(PROVIDER, token, client=CLIENT) == 0
    for moment in (300, 659):
        house.time.now += moment
        with pytest.raises(LogoutTokenError):
            await house.sign_outs.obey(PROVIDER, token, client=CLIENT)


async def test_anothers_session_stays(house):
    await house.enter(sid="mine")
    assert await house.obey(sid="another") == 0
    assert await house.obey(sub="s2") == 0
    assert await house.living() == 1
    assert await house.obey(sub=None, sid="mine", typ=None) == 1
    assert await house.living() == 0


async def test_what_proves_the_sign_in_is_kept_sealed(house):
    await house.enter()
    (kept,) = house.kept._found.values()
    assert kept.id_token
    assert "ey" not in kept.id_token[:4]
    assert "ada@" not in str(kept)
    assert await house.kept.prune(now=house.time.now + 86_401) == 1


async def test_what_waits_for_a_second_factor_is_signed_out_too(house):
    """The thief has come in from the provider, and has ten minutes to get hold of a code."""
    await house.enter(sid="sid-1")
    account = await house.world.accounts.by_id("ada")
    pending = house.world.sign_in._pending
    due = await pending.begin(account, "browser", {FACTOR: house.time()}, ("totp",))
    await pending.find(due.challenge, "browser")
    assert await house.obey(sid="sid-1") == 1
    with pytest.raises(FactorChallengeError):
        await pending.find(due.challenge, "browser")


async def test_who_comes_in_during_the_order_is_signed_out_too(house):
    await house.enter(sid="sid-1")
    account = await house.world.accounts.by_id("ada")
    (session,) = await house.world.sessions.list("ada")
    forget = house.kept.forget

    async def late(ids):
        factors = dict(session.factors)
        await house.world.sign_in.enter_browser(account, factors=factors, client=CLIENT)
        await forget(ids)

    house.kept.forget = late
    assert await house.obey(sid="sid-1") == 2
    assert await house.living() == 0


async def test_who_is_still_on_the_way_when_the_order_is_over_does_not_come_in(house):
    await house.enter(sid="sid-1")
    (session,) = await house.world.sessions.list("ada")
    proven_at = session.factors[FACTOR]
    assert await house.sign_outs.stands(PROVIDER, "ada", proven_at)
    await house.obey(sid="sid-1")
    assert not await house.sign_outs.stands(PROVIDER, "ada", proven_at)
    assert await house.sign_outs.stands(OIDC, "ada", proven_at), "one that ends nothing here"
