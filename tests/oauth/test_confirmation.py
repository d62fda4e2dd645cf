"""A linked identity as a factor: no text proves it."""

from __future__ import annotations

from tests.accounts.application import ALICE
from tests.oauth.flow import Journey
from tests.oauth.test_identities import enter
from zenith.oauth import IdentityCheck


async def test_who_has_one_can_be_led_to_the_provider_and_nothing_sent_proves_it():
    journey = Journey()
    check = IdentityCheck(journey.store, ["oidc"])
    account = await enter(journey)
    assert await check.is_held(account)
    assert not await IdentityCheck(journey.store, ["github"]).is_held(account)
    assert not await check.verify(account, "s1", ALICE)
    (linked,) = await journey.identities.of_account(account.id)
    await journey.store.unlink(account.id, linked.id, other_way=True)
    assert not await check.is_held(account)
