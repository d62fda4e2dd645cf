"""Attack: come into somebody's account with an identity that names its e-mail address, or link
one's own identity to it (RFC 9700 section 4.4, ASVS 10.5.2)."""

from __future__ import annotations

import asyncio

import pytest

from tests.accounts.application import ALICE
from tests.oauth.flow import OIDC, Journey
from zenith.accounts import Account
from zenith.oauth import EmailNeededError, IdentityTakenError, NotLinkedError, ProvenIdentity


@pytest.fixture
def journey():
    return Journey()


def proven(**changes):
    given = {
        "issuer": OIDC.issuer,
        "subject": "s1",
        "email": "ada@example.org",
        "email_verified": True,
        "authenticated_at": 1.0,
    }
    return ProvenIdentity(**{**given, **changes})


async def join(journey, email):
    """Somebody with a password."""
    account = Account(id=email, email=email, email_key=email, password_hash="x", created_at=1.0)
    assert await journey.world.accounts.create(account)


async def enter(journey, **changes):
    return await journey.identities.account_of(OIDC, proven(**changes), client=ALICE)


async def test_an_unverified_email_opens_nothing_and_makes_nothing(journey):
    await join(journey, "ada@example.org")
    with pytest.raises(EmailNeededError):
        await enter(journey, email_verified=False)
    with pytest.raises(EmailNeededError):
        await enter(journey, email="new@example.org", email_verified=False)
    assert await journey.world.accounts.by_email("new@example.org") is None


@pytest.mark.parametrize("claim", [None, False, "false", "yes", 1, 0, [True], {"a": True}])
async def test_only_a_plain_yes_is_a_yes(journey, claim):
    returned = await journey.travel(visit={"email_verified": claim})
    assert not returned.identity.email_verified


async def test_a_verified_email_does_not_open_the_account_either(journey):
    """The mailbox may have changed hands since the account was made."""
    await join(journey, "ada@example.org")
    for spelling in ("ada@example.org", "ADA@Example.Org"):
        with pytest.raises(NotLinkedError) as caught:
            await enter(journey, email=spelling)
        assert "Sign in to it" in caught.value.detail
    assert not journey.store._identities


async def test_an_identity_whose_email_changes_stays_with_its_account(journey):
    account = await enter(journey)
    await join(journey, "eve@example.org")
    assert (await enter(journey, email="eve@example.org")).id == account.id
    assert (await enter(journey, email="", email_verified=False)).id == account.id


async def test_the_same_subject_at_another_issuer_is_somebody_else(journey):
    account = await enter(journey)
    other = await enter(journey, issuer="https://other.example.org", email="b@example.org")
    assert other.id != account.id


async def test_an_identity_of_one_account_is_not_linked_to_another(journey):
    await enter(journey)
    await join(journey, "eve@example.org")
    eve = await journey.world.accounts.by_email("eve@example.org")
    with pytest.raises(IdentityTakenError):
        await journey.identities.link(eve.id, OIDC, proven(), session_id="x", client=ALICE)


async def test_of_many_first_sign_ins_of_one_identity_one_makes_the_account(journey):
    accounts = await asyncio.gather(*(enter(journey) for _ in range(200)))
    assert len({account.id for account in accounts}) == 1
    assert len(await journey.world.accounts.page(after=None, limit=10)) == 1


@pytest.mark.parametrize("email", ["not an address", "a@b", "x" * 300 + "@example.org", ""])
async def test_an_email_that_is_none_makes_no_account(journey, email):
    with pytest.raises(EmailNeededError):
        await enter(journey, email=email)
