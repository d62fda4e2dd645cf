"""A program registers, posts and asks for mails by the thousand, or finds out what stops it.

Challenges are for one form of one client and pass once, however many come at the same moment; what
catches programs answers them like people; a disposable address is refused alike whether or not it
has an account (ASVS 2.4.1, 6.3.8).
"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from zenith import Settings, Zenith
from zenith.abuse import AbuseSettings, Proof, ProofRequiredError, solve
from zenith.abuse.challenges import Challenges, ChallengeSettings, ProofProvider
from zenith.accounts import AccountSettings, Client, WeakPasswordError
from zenith.kernel.events import Event, EventType
from zenith.kernel.keys import Secret
from zenith.passwords import PasswordSettings
from zenith.stores.memory import MemoryAttemptStore

KEYS = [Secret("k" * 20 + "0123456789abcdef")]
HERE = "203.0.113.9"
MAIL = "ann@example.org"
PASSWORD = "an honest river of stones"


def challenges(**settings: Any) -> Challenges:
    provider = ProofProvider(KEYS, numbers=50)
    return Challenges(provider, MemoryAttemptStore(), KEYS, ChallengeSettings(**settings))


def solution(found: Challenges, action: str, client: str) -> str:
    return solve(dict(found.provider.widget(action=action, client=client).challenge))


async def admitted(found: Challenges, token: str, *, client: str = HERE) -> Proof | bool | None:
    try:
        return await found.require(token, action="contact", client=client)
    except ProofRequiredError:
        return False


async def test_one_piece_of_work_sends_one_form_however_many_are_sent_at_once() -> None:
    found = challenges()
    token = solution(found, "contact", HERE)
    results = await asyncio.gather(*(admitted(found, token) for _ in range(200)))
    assert sum(result is not False for result in results) == 1


async def test_work_that_others_did_elsewhere_is_none() -> None:
    found = challenges()
    for action, client in (("register", HERE), ("contact", "203.0.113.10")):
        assert await admitted(found, solution(found, action, client)) is False


async def test_waiting_is_no_way_around_for_many() -> None:
    """One waits for each address: a thousand that wait at once are one."""
    found = challenges(patience=1.0)
    results = await asyncio.gather(*(admitted(found, "") for _ in range(100)))
    assert all(result is False for result in results)


@pytest.fixture
async def town(tmp_path) -> Any:
    app = Zenith(
        settings=Settings(
            env="test",
            home=tmp_path,
            passwords=PasswordSettings(profile="testing"),
            accounts=AccountSettings(register_seconds=0.0, register_limit="1000/minute"),
            abuse=AbuseSettings(disposable_addresses="refuse", disposable_allowed=("yopmail.com",)),
        )
    )
    app.add_auth()
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        yield app, client
    await app.middleware_stack.stop()


async def test_a_disposable_address_is_refused_alike_with_and_without_an_account(town) -> None:
    app, client = town

    async def answer(email: str) -> tuple[int, str, Any]:
        body = {"email": email, "password": PASSWORD}
        found = await client.post("/auth/register", json=body)
        return found.status_code, found.json().get("code", ""), found.json().get("detail")

    assert (await answer("bot@yopmail.com"))[0] == 201
    registration = app.accounts.registration
    registration._disposable._allowed = frozenset()
    assert await answer("bot@yopmail.com") == await answer("nobody@yopmail.com")
    assert (await answer("bot@x.yopmail.com"))[:2] == (422, "disposable_email")
    # Nor does a change of address lead there.
    signed_in = await client.post("/auth/register", json={"email": MAIL, "password": PASSWORD})
    assert signed_in.status_code == 201
    tokens = await client.post("/auth/login", json={"email": MAIL, "password": PASSWORD})
    body = {"new_email": "bot@mailinator.com", "current_password": PASSWORD}
    bearer = {"Authorization": "Bearer " + tokens.json()["access_token"]}
    refused = await client.post("/auth/email/change", json=body, headers=bearer)
    assert (refused.status_code, refused.json()["code"]) == (422, "disposable_email")


async def test_a_program_that_is_caught_is_answered_alike_and_told_on(town) -> None:
    app, client = town
    await client.get("/healthz")
    registration = app.accounts.registration
    seen: list[Event] = []

    class Sink:
        async def record(self, event: Event) -> None:
            seen.append(event)

        def note(self, event: Event) -> None:
            seen.append(event)

    registration._events = Sink()
    here = Client(address=HERE)
    await registration.register("a@example.org", PASSWORD, client=here, caught="filled")
    assert await app.accounts.store.by_email("a@example.org") is None
    assert [(event.type, event.reason) for event in seen] == [(EventType.BOT_CAUGHT, "filled")]
    with pytest.raises(WeakPasswordError):
        await registration.register("a@example.org", "short", client=here, caught="filled")
