"""Attack: know the password, and get around the second factor: guess or replay its code, finish
another's sign-in, use the challenge as if it were a session, or be quicker than its enrolment.
"""

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
    make_app,
    register,
    running,
    serving,
    sign_in_with_form,
)
from tests.mfa.people import add_totp, code_for, finish
from zenith.accounts import InvalidCredentialsError
from zenith.kernel.clock import wall_clock
from zenith.mfa import MfaServices, MfaSettings

OTHER = "ben@example.org"


@pytest.fixture
async def client(tmp_path):
    async with serving(tmp_path, EMAIL, OTHER) as client:
        yield client


async def test_a_code_serves_once(client):
    secret, _, _ = await add_totp(client)
    due = (await login(client)).json()
    assert (await finish(client, due, "totp", code_for(secret))).status_code == 401, "enrolled with"
    code = code_for(secret, steps=1)
    assert (await finish(client, due, "totp", code)).status_code == 200
    due = (await login(client)).json()
    assert (await finish(client, due, "totp", code)).status_code == 401


async def test_guessing_ends_after_five_tries(client):
    secret, codes, _ = await add_totp(client)
    due = (await login(client)).json()
    answers = [(await finish(client, due, "totp", "000000")).json()["code"] for _ in range(6)]
    assert answers == ["invalid_factor"] * 5 + ["factor_challenge_invalid"]
    again = (await login(client)).json()
    for factor, code in (("totp", code_for(secret, steps=1)), ("recovery_code", codes[0])):
        blocked = await finish(client, again, factor, code)
        assert (blocked.status_code, blocked.json()["code"]) == (429, "rate_limited")
        assert int(blocked.headers["retry-after"]) > 60


async def test_a_challenge_takes_no_other_accounts_code(client):
    await add_totp(client)
    secret, codes, _ = await add_totp(client, OTHER)
    due = (await login(client)).json()
    assert (await finish(client, due, "totp", code_for(secret, steps=1))).status_code == 401
    assert (await finish(client, due, "recovery_code", codes[0])).status_code == 401


async def test_the_challenge_opens_nothing_by_itself(client):
    await add_totp(client)
    due = (await login(client)).json()
    as_token = {"Authorization": f"Bearer {due['challenge']}"}
    assert (await client.get("/auth/me", headers=as_token)).status_code == 401
    refresh = {"refresh_token": due["challenge"]}
    assert (await client.post("/auth/refresh", json=refresh)).status_code == 401
    as_cookie = {"Cookie": f"zenith-session={due['challenge']}"}
    assert (await client.get("/auth/me", headers=as_cookie)).status_code == 401
    for factor in ("password", "", "trusted_device", "PASSKEY"):
        assert (await finish(client, due, factor, PASSWORD)).status_code == 401


async def test_a_browsers_challenge_gives_no_tokens(client):
    secret, _, _ = await add_totp(client)
    sign_in = client.app.accounts.sign_in
    account = await client.app.accounts.store.by_email(EMAIL)
    due = await sign_in.enter_browser(account, factors={"password": 1.0}, client=ALICE)
    body = {"challenge": due.challenge}
    code = code_for(secret, steps=1)
    assert (await finish(client, body, "totp", code)).json()["code"] == "factor_challenge_invalid"
    entered = await sign_in.finish_browser(due.challenge, "totp", code, client=ALICE)
    assert set(entered.session.factors) == {"password", "totp"}


async def test_a_new_password_ends_the_challenge(client):
    secret, _, tokens = await add_totp(client)
    due = (await login(client)).json()
    body = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
    changed = await client.post("/auth/password", json=body, headers=bearer(tokens))
    assert changed.status_code == 204, changed.text
    answer = await finish(client, due, "totp", code_for(secret, steps=1))
    assert answer.json()["code"] == "factor_challenge_invalid"


async def test_a_lock_ends_the_challenge(client):
    secret, _, _ = await add_totp(client)
    due = (await login(client)).json()
    account = await client.app.accounts.store.by_email(EMAIL)
    await client.app.accounts.store.set_locked(account.id, 1.0, keep_one=None)
    answer = await finish(client, due, "totp", code_for(secret, steps=1))
    assert answer.json()["code"] == "factor_challenge_invalid"


async def test_a_sign_in_does_not_outrun_the_first_factor(client, monkeypatch):
    """The password is right and nothing is due; a factor is added before the session begins."""
    sign_in = client.app.accounts.sign_in
    due = sign_in._second.due
    calls = []

    async def slow(account, factors, who):
        answer = await due(account, factors, who)
        if not calls:
            calls.append(account)
            monkeypatch.undo()
            await add_totp(client)
        return answer

    monkeypatch.setattr(sign_in._second, "due", slow, raising=False)
    answer = await login(client)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")


async def test_whoever_ends_all_sign_ins_ends_those_that_wait(client):
    secret, codes, tokens = await add_totp(client)
    due = (await login(client)).json()
    everywhere = await client.post("/auth/logout/everywhere", headers=bearer(tokens))
    assert everywhere.status_code == 200, everywhere.text
    for factor, code in (("totp", code_for(secret, steps=1)), ("recovery_code", codes[0])):
        answer = await finish(client, due, factor, code)
        assert answer.json()["code"] == "factor_challenge_invalid"


async def test_a_second_step_under_way_does_not_outrun_the_end_of_all_sign_ins(client, monkeypatch):
    """The code is right and spent; all sign-ins end before its session is stored."""
    secret, _, _ = await add_totp(client)
    due = (await login(client)).json()
    accounts = client.app.accounts
    owner = (await accounts.store.by_email(EMAIL)).id
    start = accounts.sessions.start

    async def slow(account_id, **more):
        await accounts.sign_in.end_all(owner)
        return await start(account_id, **more)

    monkeypatch.setattr(accounts.sessions, "start", slow)
    answer = await finish(client, due, "totp", code_for(secret, steps=1))
    assert (answer.status_code, answer.json()["code"]) == (401, "factor_challenge_invalid")
    assert await accounts.sessions.list(owner) == []


async def test_what_is_removed_before_the_second_step_begins_leads_nowhere(client):
    await add_totp(client)
    accounts = client.app.accounts
    owner = await accounts.store.by_email(EMAIL)
    begun = []
    put = accounts.sign_in._pending._store.put

    async def keep(record):
        begun.append(record)
        await put(record)

    accounts.sign_in._pending._store.put = keep

    async def is_gone():
        return False

    for enter in (accounts.sign_in.enter_browser, accounts.sign_in.enter_tokens):
        with pytest.raises(InvalidCredentialsError):
            await enter(owner, factors={"oauth": wall_clock()}, client=ALICE, still=is_gone)
    assert [each.kind for each in begun] == ["browser", "tokens"]
    assert not await accounts.sign_in._pending.end_all(owner.id), "nothing waits"


async def test_an_enrolment_belongs_to_its_session(client):
    mine = (await login(client)).json()
    theirs = (await login(client, OTHER)).json()
    begun = (await client.post("/auth/factors/totp", headers=bearer(theirs))).json()
    body = {"ticket": begun["ticket"], "code": code_for(begun["secret"])}
    path = "/auth/factors/totp/confirm"
    assert (await client.post(path, json=body, headers=bearer(mine))).status_code == 422
    assert (await client.post(path, json=body, headers=bearer(theirs))).status_code == 201
    again = await client.post(path, json=body, headers=bearer(theirs))
    assert (again.status_code, again.json()["code"]) == (401, "factor_required")


async def test_a_session_without_the_factor_cannot_remove_it(client):
    """A thief of a session that the password alone has opened: another factor must be proven."""
    await add_totp(client)
    account = await client.app.accounts.store.by_email(EMAIL)
    session, _ = await client.app.accounts.sessions.start(
        account.id, kind="tokens", factors={"password": 1e12}
    )
    stolen = await client.app.accounts.grants.access(session)
    headers = {"Authorization": f"Bearer {stolen.token}"}
    for method, path in (
        ("DELETE", "/auth/factors/totp"),
        ("POST", "/auth/factors/recovery-codes"),
        ("POST", "/auth/factors/passkeys/options"),
    ):
        answer = await client.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "factor_required")


async def test_a_role_that_demands_a_factor_demands_it_everywhere(tmp_path):
    app = make_app(tmp_path, mfa=MfaSettings(required_roles=("user",)))
    async with running(app), browse(app) as client:
        await register(client)
        tokens = (await login(client)).json()
        for method, path in (
            ("GET", "/auth/me"),
            ("GET", "/auth/sessions"),
            ("POST", "/auth/password"),
            ("GET", "/nowhere"),
        ):
            answer = await client.request(method, path, headers=bearer(tokens))
            assert (answer.status_code, answer.json()["code"]) == (
                403,
                "factor_enrolment_required",
            )
        refreshed = await client.post(
            "/auth/refresh", json={"refresh_token": tokens["refresh_token"]}
        )
        answer = await client.get("/auth/me", headers=bearer(refreshed.json()))
        assert answer.status_code == 403
        await sign_in_with_form(client)
        assert (await client.get("/page")).json()["who"] == "", "public routes see a stranger"
        client.cookies.clear()
        _, _, proven = await add_totp(client)
        assert (await client.get("/auth/me", headers=bearer(proven))).status_code == 200


async def test_a_factor_that_is_removed_again_satisfies_no_role(tmp_path):
    """Whoever dislikes the demand proves a factor, removes it, and goes on for weeks."""
    app = make_app(tmp_path, mfa=MfaSettings(required_roles=("user",)))
    async with running(app), browse(app) as client:
        await register(client)
        _, _, proven = await add_totp(client)
        gone = await client.delete("/auth/factors/totp", headers=bearer(proven))
        assert gone.status_code == 204
        assert (await client.get("/auth/me", headers=bearer(proven))).status_code == 401
        spend = {"refresh_token": proven["refresh_token"]}
        assert (await client.post("/auth/refresh", json=spend)).status_code == 401
        anew = (await login(client)).json()
        answer = await client.get("/auth/me", headers=bearer(anew))
        assert answer.json()["code"] == "factor_enrolment_required"


async def devices_before_the_factor(client, count):
    """Cookies of browsers in which somebody signed in who knew the password."""
    found = []
    for _ in range(count):
        async with browse(client.app) as browser:
            await browser.post(
                "/auth/login",
                json={"email": EMAIL, "password": PASSWORD},
                headers={"sec-fetch-site": "same-origin"},
            )
            found.append(browser.cookies["zenith-device"])
    return found


async def test_devices_from_before_the_factor_have_no_tries_of_their_own(client, monkeypatch):
    """The thief signs in many times with the password, and guesses in each browser later on."""
    cookies = await devices_before_the_factor(client, 2)
    now = wall_clock()
    enrolment = client.app.assembly.services[MfaServices].enrolment
    monkeypatch.setattr(enrolment, "_clock", lambda: now + 1)
    await add_totp(client)
    statuses = []
    for cookie in cookies:
        async with browse(client.app, cookies={"zenith-device": cookie}) as browser:
            due = (await login(browser)).json()
            statuses += [
                (await finish(browser, due, "totp", "000000")).status_code for _ in range(4)
            ]
    assert statuses == [401] * 5 + [429] * 3


async def test_the_browser_that_adds_the_factor_is_known_from_then_on(client):
    tokens = (await login(client)).json()
    headers = {**bearer(tokens), "sec-fetch-site": "same-origin"}
    begun = (await client.post("/auth/factors/totp", headers=headers)).json()
    body = {"ticket": begun["ticket"], "code": code_for(begun["secret"])}
    added = await client.post("/auth/factors/totp/confirm", json=body, headers=headers)
    assert added.status_code == 201
    assert added.cookies["zenith-device"]
    async with browse(client.app) as thief:
        due = (await login(thief)).json()
        for _ in range(6):
            await finish(thief, due, "totp", "000000")
    due = (await login(client)).json()
    code = code_for(begun["secret"], steps=1)
    assert (await finish(client, due, "totp", code)).status_code == 200
