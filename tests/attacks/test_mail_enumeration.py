"""The attack: ask the flows by mail for many addresses and learn from body, status, headers or work
which of them have an account (ASVS 6.3.8)."""

from __future__ import annotations

import pytest

from tests.accounts.application import (
    EMAIL,
    OTHER_PASSWORD,
    PASSWORD,
    bearer,
    browse,
    login,
    make_app,
    register,
    running,
)
from tests.attacks.test_account_enumeration import seen
from zenith.accounts.evenness import EvenTime

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
