"""Attack: come into somebody's account with an identity that names its e-mail address, or link
one's own identity to it (RFC 9700 section 4.4, ASVS 10.5.2)."""

from __future__ import annotations

import asyncio

import pytest

from tests.accounts.application import ALICE
from tests.console.visitor import PASSWORD
from tests.mfa.people import code_for
from tests.oauth.conftest import open_site, shared_site, site  # noqa: F401
from tests.oauth.flow import OIDC, Journey
from tests.oauth.test_routes import API, tokens
from zenith.accounts import Account
from zenith.oauth import EmailNeededError, IdentityTakenError, NotLinkedError, ProvenIdentity
from zenith.oauth.authorization import challenge_of
from zenith.stores.sql import SqlIdentityStore


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


VERIFIER = "v" * 43
THIEF = {"subject": "thief", "email": "thief@example.org"}


def linked_by_a_thief(site, name):  # noqa: F811
    """Its owner, and the id of the link that a thief has added to the account."""
    owner = site.visitor().join(f"{name}@example.org")
    page = owner.send("/account/identities/oidc/link", form="/account/identities")
    url = page.headers["refresh"].partition("url=")[2]
    fields = site.provider.visit(url, subject=name, email=THIEF["email"])
    assert owner.client.get("/auth/oidc/callback", params=fields).status_code == 303
    (link,) = owner.client.get("/auth/identities").json()
    return owner, link["id"]


def unlink(owner, link):
    answer = owner.send(f"/account/identities/{link}/unlink", form="/account/identities")
    assert "identity-unlinked" in answer.headers["location"]


def test_a_code_that_was_kept_opens_nothing_once_the_owner_has_unlinked(site):  # noqa: F811
    """The thief asks for a code every minute, so that he has one in hand when he is found out."""
    owner, link = linked_by_a_thief(site, "kept")
    thief = site.visitor()
    query = {"code_challenge": challenge_of(VERIFIER), "next": "/"}
    back = site.travel(thief, query=query, **{**THIEF, "subject": "kept"})
    code = back.headers["location"].partition("#code=")[2]
    unlink(owner, link)
    body = {"code": code, "code_verifier": VERIFIER}
    headers = {"accept": "application/json", "origin": site.base}
    answer = thief.client.post("/auth/oauth/token", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "oauth_code")


def test_a_sign_in_under_way_ends_with_the_link(site, monkeypatch):  # noqa: F811
    _, link = linked_by_a_thief(site, "underway")
    sessions = site.accounts.sessions
    begin = sessions.start

    async def slow(account_id, **more):
        store = SqlIdentityStore(site.app.assembly.database, site.accounts.store)
        await store.unlink(account_id, link, other_way=True)
        await site.accounts.sign_in.end_all(account_id)
        return await begin(account_id, **more)

    monkeypatch.setattr(sessions, "start", slow)
    thief = site.visitor()
    site.travel(thief, **{**THIEF, "subject": "underway"})
    assert thief.client.get("/auth/me", headers={"accept": "application/json"}).status_code == 401


def test_a_sign_in_that_waits_for_its_second_factor_ends_with_the_link(site):  # noqa: F811
    """The thief has proven the identity, and has ten minutes to get hold of a code."""
    _, link = linked_by_a_thief(site, "waits")
    headers = API | {"origin": site.base}
    password = {"email": "waits@example.org", "password": PASSWORD}
    pair = site.visitor().client.post("/auth/login", json=password, headers=headers).json()
    bearer = headers | {"authorization": f"Bearer {pair['access_token']}"}
    program = site.visitor().client
    begun = program.post("/auth/factors/totp", headers=bearer).json()
    proof = {"ticket": begun["ticket"], "code": code_for(begun["secret"])}
    added = program.post("/auth/factors/totp/confirm", json=proof, headers=bearer).json()
    who = {**THIEF, "subject": "waits"}
    thief = site.visitor()
    waiting, late = (tokens(site, thief, who).json() for _ in range(2))

    def finish(due, code):
        body = {"challenge": due["challenge"], "factor": "recovery_code", "code": code}
        return thief.client.post("/auth/login/factor", json=body, headers=headers)

    first, second, *_ = added["recovery_codes"]
    assert finish(waiting, first).status_code == 200, "as long as the link is there"
    removed = program.delete(f"/auth/identities/{link}", headers=bearer)
    assert removed.status_code == 204, removed.text
    answer = finish(late, second)
    assert (answer.status_code, answer.json()["code"]) == (401, "factor_challenge_invalid")
