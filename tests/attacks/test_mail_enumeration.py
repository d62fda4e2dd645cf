"""The attack: ask the flows by mail for many addresses and learn from body, status, headers or work
which of them have an account (ASVS 6.3.8)."""

from __future__ import annotations

import time

import pytest

from tests.accounts.application import (
    ALICE,
    EMAIL,
    OTHER_PASSWORD,
    PASSWORD,
    bearer,
    browse,
    login,
    make_app,
    make_settings,
    register,
    running,
)
from tests.accounts.mails import mailed
from tests.attacks.test_account_enumeration import seen
from zenith.accounts import Account, AccountSettings
from zenith.accounts.evenness import EvenTime
from zenith.kernel.errors import RateLimitError
from zenith.kernel.principal import Principal

UNKNOWN = "nobody@example.org"


@pytest.fixture
async def app(tmp_path):
    async with running(make_app(tmp_path)) as app:
        async with browse(app) as client:
            await register(client)
            await register(client, email="eve@example.org", password=OTHER_PASSWORD)
        yield app


@pytest.mark.parametrize("path", ["/auth/password/forgot", "/auth/email/verify/resend"])
async def test_asking_for_a_mail_tells_nothing(app, path):
    async with browse(app) as client:
        answers = [
            seen(await client.post(path, json={"email": email})) for email in (EMAIL, UNKNOWN)
        ]
    assert answers[0] == answers[1]
    assert answers[0][0] == 202


async def test_wanting_an_address_tells_nothing(app):
    async with browse(app) as client:
        headers = bearer((await login(client, "eve@example.org", OTHER_PASSWORD)).json())
        answers = []
        for email in (EMAIL, UNKNOWN):
            body = {"new_email": email, "current_password": OTHER_PASSWORD}
            answer = await client.post("/auth/email/change", json=body, headers=headers)
            answers.append(seen(answer))
    assert answers[0] == answers[1]


async def test_every_such_answer_takes_a_multiple_of_the_same_time(app):
    """Whatever is found, `EvenTime` is around it: a step more is no longer answer."""
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    flows = app.accounts.mail
    for flow in (flows.password_reset, flows.verification, flows.email_changes):
        object.__setattr__(flow, "_even_time", EvenTime(0.5, sleep=sleep))
    async with browse(app) as client:
        headers = bearer((await login(client, EMAIL, PASSWORD)).json())
        for email in (EMAIL, UNKNOWN):
            await client.post("/auth/password/forgot", json={"email": email})
            await client.post("/auth/email/verify/resend", json={"email": email})
            body = {"new_email": email, "current_password": PASSWORD}
            await client.post("/auth/email/change", json=body, headers=headers)
    assert len(waited) == 6
    assert all(0 < seconds <= 0.5 for seconds in waited)


@pytest.fixture
async def strict(tmp_path):
    """An application whose addresses must be confirmed, with few mails for each."""
    accounts = AccountSettings(
        register_seconds=0,
        require_verified_email=True,
        sign_in_limit="1000/minute",
        register_limit="1000/minute",
        mail_limit="1000/minute",
        mailbox_limit="3/hour",
    )
    app = make_app(tmp_path, settings=make_settings(tmp_path, accounts=accounts))
    async with running(app), browse(app) as client:
        client.app = app
        yield client


async def mails_left(client, email):
    """How many more mails a stranger can ask for before the limit tells him to stop."""
    answers = [await client.post("/auth/password/forgot", json={"email": email}) for _ in range(4)]
    return [answer.status_code for answer in answers].index(429)


@pytest.mark.parametrize("state", ["open", "locked", "unconfirmed"])
async def test_the_limit_of_a_mailbox_does_not_tell_that_it_has_an_account(strict, state):
    """The stranger registers an address with a password of his own and signs in with it: only
    where no account was there before, that password is right, and another link is mailed.
    """
    accounts = strict.app.accounts.store
    await accounts.create(
        Account(
            id="a",
            email=EMAIL,
            email_key=EMAIL,
            created_at=1.0,
            locked_at=1.0 if state == "locked" else None,
            email_verified_at=None if state == "unconfirmed" else 1.0,
        )
    )
    left = []
    for email in (EMAIL, UNKNOWN):
        await register(strict, email, OTHER_PASSWORD)
        for _ in range(2):
            assert (await login(strict, email, OTHER_PASSWORD)).status_code == 401
        left.append(await mails_left(strict, email))
    assert left == [2, 2]


async def test_nobody_uses_up_the_mails_that_let_the_owner_in(strict):
    """Links to confirm an address are asked for until the limit: for one that is confirmed nothing
    is mailed, and its owner would never see why no password can be set.
    """
    accounts = strict.app.accounts.store
    for name, email in (("a", EMAIL), ("b", "bob@example.org")):
        await accounts.create(
            Account(id=name, email=email, email_key=email, created_at=1.0, email_verified_at=1.0)
        )
    for _ in range(4):
        asked = await strict.post("/auth/email/verify/resend", json={"email": EMAIL})
    assert asked.status_code == 429
    assert await mailed(strict.app) == []
    changes = strict.app.accounts.mail.email_changes
    stranger = Principal(subject="b", kind="user", factors={"passkey": time.time()})
    with pytest.raises(RateLimitError):
        await changes.ask(stranger, EMAIL, "", client=ALICE)
    assert await mails_left(strict, EMAIL) == 3
    assert len(await mailed(strict.app, kind="reset_password")) == 3


async def test_refused_sign_ins_take_a_multiple_of_one_time_where_some_mail_a_link(strict):
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    sign_in = strict.app.accounts.sign_in
    assert sign_in._even_time is not None
    sign_in._even_time = EvenTime(0.5, sleep=sleep)
    await register(strict, EMAIL, OTHER_PASSWORD)
    for email, password in ((EMAIL, OTHER_PASSWORD), (EMAIL, PASSWORD), (UNKNOWN, PASSWORD)):
        await login(strict, email, password)
    assert len(waited) == 3
    assert all(0 < seconds <= 0.5 for seconds in waited)


async def test_reminders_have_an_end(strict):
    await register(strict, EMAIL, OTHER_PASSWORD)
    for _ in range(6):
        await login(strict, EMAIL, OTHER_PASSWORD)
    assert len(await mailed(strict.app, kind="verify_email")) == 4
