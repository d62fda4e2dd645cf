"""Codes for programs: once, for whoever asked, for a minute."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.oauth.flow import Journey
from zenith.accounts import Account
from zenith.oauth import AccountClosedError, HandOverError, Identity, ProvenIdentity
from zenith.oauth.authorization import challenge_of

VERIFIER = "v" * 43
ACCOUNT = Account(id="a", email="a@example.org", email_key="a@example.org", created_at=1.0)
PROVEN = ProvenIdentity(issuer="https://id.example.org", subject="s", authenticated_at=7.0)
LINK = Identity(
    id="l",
    account_id="a",
    issuer=PROVEN.issuer,
    subject=PROVEN.subject,
    provider="oidc",
    created_at=1.0,
    last_used_at=1.0,
)


@pytest.fixture
async def journey():
    made = Journey()
    await made.world.accounts.create(ACCOUNT)
    await made.store.link(LINK, most=1)
    return made


async def issue(journey):
    challenge = challenge_of(VERIFIER)
    return await journey.hand_over.issue(ACCOUNT, PROVEN, challenge=challenge, provider="oidc")


async def test_a_code_gives_the_account_and_the_time_of_the_proof(journey):
    found = await journey.hand_over.spend(await issue(journey), VERIFIER)
    assert (found.account, found.proven_at) == (ACCOUNT, 7.0)
    assert (found.issuer, found.subject) == (PROVEN.issuer, PROVEN.subject)


async def test_a_code_counts_once_also_of_many_at_once(journey):
    code = await issue(journey)
    results = await asyncio.gather(
        *(journey.hand_over.spend(code, VERIFIER) for _ in range(200)), return_exceptions=True
    )
    assert sum(not isinstance(each, HandOverError) for each in results) == 1


@pytest.mark.parametrize("verifier", ["w" * 43, "", "v" * 42, "v" * 5000, "\ud800" * 43])
async def test_another_verifier_spends_the_code_for_nothing(journey, verifier):
    code = await issue(journey)
    with pytest.raises(HandOverError):
        await journey.hand_over.spend(code, verifier)
    with pytest.raises(HandOverError):
        await journey.hand_over.spend(code, VERIFIER)


async def test_a_code_holds_for_a_minute(journey):
    code = await issue(journey)
    journey.world.pass_time(60)
    with pytest.raises(HandOverError):
        await journey.hand_over.spend(code, VERIFIER)


async def test_codes_of_two_sign_ins_stand_beside_each_other(journey):
    first, second = await issue(journey), await issue(journey)
    await journey.hand_over.spend(first, VERIFIER)
    await journey.hand_over.spend(second, VERIFIER)


async def test_a_lock_meanwhile_counts(journey):
    code = await issue(journey)
    await journey.world.accounts.set_locked("a", 1.0, keep_one=None)
    with pytest.raises(AccountClosedError):
        await journey.hand_over.spend(code, VERIFIER)


async def test_a_code_is_worth_nothing_once_its_identity_is_unlinked(journey):
    code = await issue(journey)
    await journey.store.unlink_since("a", 0.0)
    with pytest.raises(HandOverError):
        await journey.hand_over.spend(code, VERIFIER)


async def test_a_code_is_worth_nothing_once_its_identity_opens_another_account(journey):
    code = await issue(journey)
    await journey.store.unlink_since("a", 0.0)
    await journey.store.link(replace(LINK, account_id="b"), most=1)
    with pytest.raises(HandOverError):
        await journey.hand_over.spend(code, VERIFIER)
