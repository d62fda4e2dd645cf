"""Lockout over JSON, with its rows in SQL and its mail in the outbox."""

from __future__ import annotations

import pytest

from tests.accounts.application import (
    EMAIL,
    ORIGIN,
    OTHER_PASSWORD,
    PASSWORD,
    bearer,
    browse,
    events_of,
    login,
    make_app,
    register,
    running,
    sign_in_with_form,
)
from tests.accounts.mails import mailed, token_of
from zenith.abuse import AbuseSettings, solve
from zenith.kernel.events import EventType

QUICK = AbuseSettings(place_share=1, proof_after=2, lock_after=3, proof_numbers=10)


@pytest.fixture
async def app(tmp_path):
    async with running(make_app(tmp_path, abuse=QUICK)) as app:
        async with browse(app) as client:
            await register(client)
        yield app


async def attempt(app, number, *, email=EMAIL, password="not the password", altcha=""):
    async with browse(app, address=f"203.0.113.{number}") as client:
        body = {"email": email, "password": password}
        return await client.post("/auth/login", json=body | ({"altcha": altcha} if altcha else {}))


async def lock_out(app, email=EMAIL):
    """Guess until unknown devices are locked out; the answers."""
    answers = [await attempt(app, number, email=email) for number in range(3)]
    altcha = solve(answers[-1].json()["challenge"])
    answers.append(await attempt(app, 2, email=email, altcha=altcha))
    answers.append(await attempt(app, 3, email=email, altcha=altcha))
    return answers


async def test_a_program_can_solve_the_challenge(app):
    for number in range(2):
        assert (await attempt(app, number)).status_code == 401
    asked = await attempt(app, 2, password=PASSWORD)
    problem = asked.json()
    assert asked.status_code == 429
    assert asked.headers["content-type"] == "application/problem+json"
    assert asked.headers["retry-after"] == "600"
    assert problem["code"] == "proof_of_work_required"
    assert problem["challenge"]["algorithm"] == "SHA-256"
    altcha = solve(problem["challenge"])
    assert (await attempt(app, 3, password=PASSWORD, altcha="nonsense")).status_code == 429
    assert (await attempt(app, 3, password=PASSWORD, altcha=altcha)).status_code == 200
    assert (await attempt(app, 4, password=PASSWORD, altcha=altcha)).status_code == 429


async def test_known_and_unknown_addresses_answer_the_same(app):
    def shape(answer):
        document = answer.json()
        for name in ("instance", "challenge"):
            document.pop(name, None)
        headers = sorted(set(answer.headers) - {"x-request-id"})
        return answer.status_code, headers, answer.headers.get("retry-after"), document

    known = [shape(answer) for answer in await lock_out(app)]
    assert [each[0] for each in known] == [401, 401, 429, 401, 429]
    assert known == [shape(answer) for answer in await lock_out(app, "nobody@example.org")]


async def test_the_owner_is_told_once_and_comes_in_by_mail(app):
    async with browse(app) as owner, browse(app, address="198.51.100.99") as elsewhere:
        assert (await sign_in_with_form(owner)).status_code == 200
        await lock_out(app)
        await attempt(app, 77)
        assert len(await mailed(app, kind="devices_locked_out")) == 1
        (began,) = await events_of(app, EventType.LOCKOUT_BEGAN)
        assert began.target is not None
        assert (await login(elsewhere)).status_code == 429
        assert (await sign_in_with_form(owner)).status_code == 200
        await elsewhere.post("/auth/password/forgot", json={"email": EMAIL})
        body = {"token": await token_of(app, "reset_password"), "new_password": OTHER_PASSWORD}
        assert (await elsewhere.post("/auth/password/reset", json=body)).status_code == 204
        answer = await login(elsewhere, password=OTHER_PASSWORD)
        assert answer.status_code == 200
        assert (await elsewhere.get("/auth/me", headers=bearer(answer.json()))).status_code == 200


async def test_a_rehash_is_recorded(app):
    old = "pbkdf2_sha256$1000$seasalt2$TXky+HtRYTYzEEvb+fVGzCRAZfojhp/uMqG9raTPRI0="
    store = app.accounts.store
    account = await store.by_email(EMAIL)
    assert await store.set_password(
        account.id, old, expected=account.password_hash, changed_at=None
    )
    answer = await attempt(app, 1, password="Tr0ub4dor & \u00fcn\u00efcode")
    assert answer.status_code == 200
    (event,) = await events_of(app, EventType.PASSWORD_REHASHED)
    assert event.subject == account.id
    assert (await store.by_email(EMAIL)).password_hash.startswith("$argon2id$")


BROWSER = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Origin": ORIGIN}


async def test_a_single_page_application_is_known_as_well(app):
    async with browse(app, headers=BROWSER) as page:
        tokens = (await login(page)).json()
        first = page.cookies["zenith-device"]
        body = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
        changed = await page.post("/auth/password", json=body, headers=bearer(tokens))
        assert changed.status_code == 204
        assert page.cookies["zenith-device"] != first
        known = page.cookies["zenith-device"]
        await lock_out(app)
        headers = {"Cookie": f"zenith-device={known}", **BROWSER}
        page.cookies.clear()
        body = {"email": EMAIL, "password": OTHER_PASSWORD}
        assert (await page.post("/auth/login", json=body, headers=headers)).status_code == 200
        headers["Cookie"] = f"zenith-device={first}"
        page.cookies.clear()
        assert (await page.post("/auth/login", json=body, headers=headers)).status_code == 429


async def test_programs_are_given_no_cookie(app):
    async with browse(app) as program:
        answer = await login(program)
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
