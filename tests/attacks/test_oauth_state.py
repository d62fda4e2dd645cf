"""Attack: make a browser finish a sign-in that it did not begin, or finish one twice: login CSRF,
fixed states, replayed answers, injected codes, mix-up (RFC 9700 sections 4.4, 4.5, 4.7)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.oauth.flow import OIDC, Journey
from zenith.kernel.keys import new_token
from zenith.oauth import AuthorizationStateError, ProviderError

RACERS = 200


@pytest.fixture
def journey():
    return Journey()


async def test_a_state_of_the_attackers_own_sign_in(journey):
    """Login CSRF: the victim's browser is led to the callback with the attacker's answer."""
    fields = journey.provider.visit(await journey.leave(browser=new_token()))
    with pytest.raises(AuthorizationStateError):
        await journey.come_back(fields)
    assert not [each for each in journey.provider.requests if each.url.path == "/token"]


async def test_the_victims_state_in_the_attackers_browser(journey):
    """A stolen answer is worth nothing elsewhere, and stays worth something to its owner."""
    fields = journey.provider.visit(await journey.leave())
    with pytest.raises(AuthorizationStateError):
        await journey.come_back(fields, browser=new_token())
    assert (await journey.come_back(fields)).identity.subject == "s1"


@pytest.mark.parametrize(
    "state", ["", "guess", "x" * 43, "x" * 5000, "\x00" * 43, "ä" * 43, "'; DROP TABLE x;--"]
)
async def test_a_state_that_was_never_made(journey, state):
    fields = journey.provider.visit(await journey.leave())
    with pytest.raises(AuthorizationStateError):
        await journey.come_back({**fields, "state": state})


@pytest.mark.parametrize("browser", ["", "x", "x" * 43, "ä" * 43])
async def test_a_browser_without_its_cookie(journey, browser):
    fields = journey.provider.visit(await journey.leave())
    with pytest.raises(AuthorizationStateError):
        await journey.come_back(fields, browser=browser)


async def test_an_answer_that_comes_twice(journey):
    fields = journey.provider.visit(await journey.leave())
    await journey.come_back(fields)
    with pytest.raises(AuthorizationStateError):
        await journey.come_back(fields)


async def test_an_answer_that_comes_two_hundred_times_at_once(journey):
    fields = journey.provider.visit(await journey.leave())
    results = await asyncio.gather(
        *(journey.come_back(fields) for _ in range(RACERS)), return_exceptions=True
    )
    assert sum(not isinstance(each, BaseException) for each in results) == 1
    assert sum(isinstance(each, AuthorizationStateError) for each in results) == RACERS - 1


async def test_a_failed_attempt_spends_the_state(journey):
    fields = journey.provider.visit(await journey.leave())
    with pytest.raises(ProviderError):
        await journey.come_back({**fields, "code": "wrong"})
    with pytest.raises(AuthorizationStateError):
        await journey.come_back(fields)


async def test_an_answer_that_comes_too_late(journey):
    fields = journey.provider.visit(await journey.leave())
    journey.world.pass_time(600)
    with pytest.raises(AuthorizationStateError):
        await journey.come_back(fields)


async def test_a_code_of_another_sign_in(journey):
    """Code injection: the victim's code in the attacker's own session. PKCE stops it."""
    stolen = journey.provider.visit(await journey.leave(), subject="victim")
    attacker = new_token()
    own = journey.provider.visit(await journey.leave(browser=attacker), subject="attacker")
    with pytest.raises(ProviderError) as caught:
        await journey.come_back({**own, "code": stolen["code"]}, browser=attacker)
    assert "invalid_grant" in caught.value.reason


async def test_a_code_of_another_sign_in_where_pkce_is_ignored(journey):
    """A provider that does not check the verifier: the nonce stops it."""
    stolen = journey.provider.visit(await journey.leave(), subject="victim")
    query, person = journey.provider.codes[stolen["code"]]
    attacker = new_token()
    own = journey.provider.visit(await journey.leave(browser=attacker), subject="attacker")
    asked, _ = journey.provider.codes[own["code"]]
    careless = {**query, "code_challenge": asked["code_challenge"]}
    journey.provider.codes[stolen["code"]] = careless, person
    with pytest.raises(ProviderError) as caught:
        await journey.come_back({**own, "code": stolen["code"]}, browser=attacker)
    assert "nonce" in caught.value.reason


@pytest.mark.parametrize("issuer", ["https://evil.example.org", "", "https://id.example.org/"])
async def test_an_answer_of_another_issuer(journey, issuer):
    """Mix-up: the browser was at another provider than the one that this address is for."""
    fields = journey.provider.visit(await journey.leave())
    with pytest.raises(AuthorizationStateError):
        await journey.come_back({**fields, "iss": issuer})
    assert not [each for each in journey.provider.requests if each.url.path == "/token"]


async def test_an_answer_without_an_issuer_from_a_provider_that_names_itself(journey):
    fields = journey.provider.visit(await journey.leave())
    del fields["iss"]
    with pytest.raises(AuthorizationStateError):
        await journey.come_back(fields)


async def test_an_answer_without_an_issuer_from_a_provider_that_never_names_itself(journey):
    journey.provider.metadata = {"authorization_response_iss_parameter_supported": None}
    fields = journey.provider.visit(await journey.leave())
    del fields["iss"]
    assert (await journey.come_back(fields)).identity.subject == "s1"


async def test_an_answer_at_the_address_of_another_provider(journey):
    """Mix-up: each provider has an address of its own, and a state counts at one of them."""
    fields = journey.provider.visit(await journey.leave())
    other = replace(OIDC, name="other")
    with pytest.raises(AuthorizationStateError):
        await journey.come_back(fields, other)
    assert (await journey.come_back(fields)).identity.subject == "s1"
