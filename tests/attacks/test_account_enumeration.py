"""The attack: ask for many e-mail addresses and learn from the answers, their headers or their
time which of them have an account: a list for phishing and stuffing (ASVS 6.3.8)."""

from __future__ import annotations

import pytest

from tests.accounts.application import (
    ALICE,
    EMAIL,
    OTHER_PASSWORD,
    PASSWORD,
    bearer,
    browse,
    login,
    make_administrator,
    make_app,
    make_settings,
    register,
    running,
)
from zenith.abuse import AbuseSettings
from zenith.accounts import AccountSettings
from zenith.accounts.evenness import EvenTime
from zenith.kernel.principal import Principal

PRIVATE = {"instance", "x-request-id", "date"}


@pytest.fixture
async def app(tmp_path):
    async with running(make_app(tmp_path)) as app:
        yield app


def seen(answer):
    """All that a client can tell apart."""
    headers = {
        name: value
        for name, value in answer.headers.items()
        # The instance differs with every answer, but is always as long; counters go down.
        if name not in PRIVATE and "ratelimit" not in name
    }
    body = answer.json()
    body.pop("instance", None)
    return answer.status_code, body, headers, sorted(answer.headers)


async def ask(app, path, **body):
    async with browse(app) as client:
        return seen(await client.post(path, json=body))


async def test_registering_tells_nothing(app):
    body = {"password": OTHER_PASSWORD}
    first = await ask(app, "/auth/register", email=EMAIL, **body)
    again = await ask(app, "/auth/register", email=EMAIL, **body)
    other = await ask(app, "/auth/register", email="bob@example.org", **body)
    assert first == again == other
    assert first[0] == 201


async def test_weak_passwords_are_judged_before_the_address_is_looked_up(app):
    await ask(app, "/auth/register", email=EMAIL, password=OTHER_PASSWORD)
    known = await ask(app, "/auth/register", email=EMAIL, password="tiny")
    free = await ask(app, "/auth/register", email="bob@example.org", password="tiny")
    assert known == free


async def test_signing_in_tells_nothing(app):
    async with browse(app) as client:
        await register(client)
        await register(client, email="locked@example.org")
    locked = await app.accounts.store.by_email("locked@example.org")
    await make_administrator(app)
    roles, permissions = app.assembly.roles.compile(("super_admin",))
    operator = Principal(subject="op", roles=roles, permissions=permissions)
    assert await app.accounts.administration.lock(operator, locked.id, client=ALICE)
    answers = [
        await ask(app, "/auth/login", email=email, password=OTHER_PASSWORD)
        for email in (EMAIL, "locked@example.org", "nobody@example.org", "no address")
    ]
    assert answers[0][0] == 401
    assert all(answer == answers[0] for answer in answers)
    right = await ask(app, "/auth/login", email="locked@example.org", password=PASSWORD)
    assert right == answers[0]


@pytest.mark.parametrize(
    "stored",
    [
        "md5$seasalt$01234567",
        "$argon2id$v=19$m=8,t=1,p=1$damaged",
        "$zp$k=gone$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$MDEyMzQ1Njc4OWFiY2RlZg",
    ],
)
async def test_a_hash_that_cannot_be_used_tells_nothing(app, stored, monkeypatch, caplog):
    """As a move from another program, or a pepper that was lost, leaves them."""
    async with browse(app) as client:
        await register(client)
        tokens = (await login(client)).json()
    account = await app.accounts.store.by_email(EMAIL)
    assert await app.accounts.store.set_password(
        account.id, stored, expected=account.password_hash, changed_at=None
    )
    known = await ask(app, "/auth/login", email=EMAIL, password=PASSWORD)
    assert known == await ask(app, "/auth/login", email="nobody@example.org", password=PASSWORD)
    assert known[0] == 401
    assert account.id in caplog.text
    assert stored not in caplog.text
    hashed = []
    monkeypatch.setattr(app.accounts.sign_in._hasher._current, "hash", hashed.append)
    for email in (EMAIL, "nobody@example.org"):
        await ask(app, "/auth/login", email=email, password=PASSWORD)
    assert len(hashed) == 2, "a known and an unknown account do the same work"
    async with browse(app, headers=bearer(tokens)) as client:
        body = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
        assert (await client.post("/auth/password", json=body)).status_code == 401
        proof = {"current_password": PASSWORD}
        assert (await client.request("DELETE", "/auth/account", json=proof)).status_code == 401
        proof = {"factor": "password", "proof": PASSWORD}
        assert (await client.post("/auth/confirm", json=proof)).status_code == 401


async def test_registering_takes_the_same_time(tmp_path):
    """Measured with a clock of its own: work of any length ends at a multiple of the pause."""
    settings = make_settings(
        tmp_path, accounts=AccountSettings(register_seconds=0.5, register_limit="99/minute")
    )
    app = make_app(tmp_path, settings=settings)
    pauses = []

    async def sleep(seconds):
        pauses.append(seconds)

    async with running(app), browse(app) as client:
        for spent in (0.10, 0.37):
            times = iter([10.0, 10.0 + spent])
            even = EvenTime(0.5, steady=lambda times=times: next(times), sleep=sleep)
            app.accounts.registration._even_time = even
            await register(client)
    assert [round(pause, 6) for pause in pauses] == [0.4, 0.13]


async def test_limits_fall_on_known_and_unknown_addresses_alike(tmp_path):
    settings = make_settings(
        tmp_path,
        accounts=AccountSettings(register_seconds=0),
        abuse=AbuseSettings(place_share=1, proof_after=3),
    )
    async with running(make_app(tmp_path, settings=settings)) as app:
        async with browse(app) as client:
            await register(client)
        for number, email in enumerate((EMAIL, "nobody@example.org")):
            statuses = []
            for attempt in range(5):
                async with browse(app, address=f"198.51.{number}.{attempt}") as client:
                    body = {"email": email, "password": OTHER_PASSWORD}
                    statuses.append((await client.post("/auth/login", json=body)).status_code)
            assert statuses == [401, 401, 401, 429, 429]
