"""The attack: use a mailed link a second time, after what it was made for has changed, for another
purpose, or find it in the database, the audit log or an answer (ASVS 6.4.1, 6.4.3, 6.5.1)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

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
from tests.accounts.mails import mailed, token_in, token_of
from tests.conformance.test_factors import KEY
from zenith.accounts import Client
from zenith.accounts.mail_flows.links import MailLinks
from zenith.kernel.errors import SecurityError, ServiceUnavailableError
from zenith.oauth import Identity
from zenith.stores.sql import SqlIdentityStore, SqlPasskeyStore

THIRD = "third secret of 3 lions"
NEW = "lovelace@example.org"
LINK = Identity(
    id="l",
    account_id="",
    issuer="https://id.example.org",
    subject="s",
    provider="oidc",
    created_at=1.0,
    last_used_at=1.0,
)


@pytest.fixture
async def app(tmp_path):
    async with running(make_app(tmp_path)) as app:
        yield app


@pytest.fixture
async def client(app):
    async with browse(app) as client:
        await register(client)
        yield client


async def reset(client, token, password=THIRD):
    body = {"token": token, "new_password": password}
    return (await client.post("/auth/password/reset", json=body)).status_code


async def forgot(app, client):
    await client.post("/auth/password/forgot", json={"email": EMAIL})
    return await token_of(app, "reset_password")


async def change_of_address(app, client):
    tokens = (await login(client)).json()
    body = {"new_email": NEW, "current_password": PASSWORD}
    await client.post("/auth/email/change", json=body, headers=bearer(tokens))
    return await token_of(app, "confirm_new_email"), tokens


async def test_a_link_does_not_work_twice(app, client):
    token = await forgot(app, client)
    assert [await reset(client, token), await reset(client, token)] == [204, 400]
    assert (await login(client, password=THIRD)).status_code == 200


async def test_older_links_die_with_the_one_that_is_used(app, client):
    first, second = await forgot(app, client), await forgot(app, client)
    assert await reset(client, second) == 204
    assert await reset(client, first, OTHER_PASSWORD) == 400


async def test_a_change_of_the_password_voids_what_was_mailed(app, client):
    token = await forgot(app, client)
    confirm, tokens = await change_of_address(app, client)
    body = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
    await client.post("/auth/password", json=body, headers=bearer(tokens))
    assert await reset(client, token) == 400
    assert (await client.post("/auth/email/confirm", json={"token": confirm})).status_code == 400


async def test_a_change_of_the_address_voids_what_was_mailed_to_the_former(app, client):
    token, verify = await forgot(app, client), await token_of(app, "verify_email")
    confirm, _ = await change_of_address(app, client)
    assert (await client.post("/auth/email/confirm", json={"token": confirm})).status_code == 204
    assert await reset(client, token) == 400
    assert (await client.post("/auth/email/verify", json={"token": verify})).status_code == 400


async def test_a_reset_by_its_owner_voids_a_thiefs_change_of_the_address(app, client):
    confirm, _ = await change_of_address(app, client)
    assert await reset(client, await forgot(app, client)) == 204
    assert (await client.post("/auth/email/confirm", json={"token": confirm})).status_code == 400


async def test_a_link_serves_no_other_purpose(app, client):
    confirm, _ = await change_of_address(app, client)
    tokens = {
        "verify": await token_of(app, "verify_email"),
        "confirm": confirm,
        "reset": await forgot(app, client),
    }
    for purpose, token in tokens.items():
        for path in {"verify", "confirm", "revert"} - {purpose}:
            answer = await client.post(f"/auth/email/{path}", json={"token": token})
            assert (answer.status_code, answer.json()["code"]) == (400, "link_invalid")
        if purpose != "reset":
            assert await reset(client, token) == 400
    setup = await app.accounts.registration.issue_setup_secret()
    assert await reset(client, setup) == 400


@pytest.mark.parametrize("token", ["", "x", "x" * 128, "\x00", "\ud800", "%00", "../" * 20])
async def test_nonsense_is_refused_as_such(client, token):
    import json

    for path in ("/auth/email/verify", "/auth/email/confirm", "/auth/email/revert"):
        body = json.dumps({"token": token})
        answer = await client.post(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400


async def test_a_link_ends_at_its_time(app, client, monkeypatch):
    import time

    token = await forgot(app, client)
    flow = app.accounts.mail.password_reset
    late = time.time() + 30 * 60 + 1
    for part in (flow, flow._links):
        monkeypatch.setattr(part, "_clock", lambda: late)
    assert await reset(client, token) == 400


async def stored(app):
    """All rows that a secret could have got into."""
    found = ""
    async with app.assembly.database.transaction() as connection:
        for table in ("zenith_mail_links", "zenith_audit_events", "zenith_accounts"):
            rows = (await connection.execute(text(f"SELECT * FROM {table}"))).all()  # noqa: S608
            found += str(rows)
    assert found.count("reset_password") == 1
    return found


async def test_no_secret_is_kept_or_told(app, client):
    confirm, _ = await change_of_address(app, client)
    token = await forgot(app, client)
    told = await stored(app)
    answers = [
        await client.post("/auth/password/reset", json={"token": token, "new_password": "x"}),
        await client.post("/auth/email/confirm", json={"token": token}),
        await client.post("/auth/password/reset", json={"token": token, "new_password": THIRD}),
    ]
    secrets = {token, confirm}
    for kind in ("verify_email", "reset_password", "confirm_new_email"):
        secrets |= {token_in(mail) for mail in await mailed(app, kind=kind)}
    assert len(secrets) == 3
    told += "".join(answer.text + str(answer.headers) for answer in answers)
    for secret in secrets:
        assert secret not in told


class Failing:
    """A store whose steps fail at one of them."""

    def __init__(self, store, name):
        self._store, self._name = store, name

    def __getattr__(self, name):
        if name != self._name:
            return getattr(self._store, name)

        async def fail(*_, **__):
            raise ServiceUnavailableError(reason="killed here")

        return fail


async def test_a_failure_between_two_steps_leaves_nothing_half_done(app, client):
    """Whatever fails: either nothing has changed and the link still works, or all has."""
    token = await forgot(app, client)
    flow, sign_in = app.accounts.mail.password_reset, app.accounts.sign_in
    steps = [
        (flow._links, "_store", "check"),
        (sign_in, "_sessions", "end_all"),
        (sign_in, "_grants", "end_all"),
        (flow, "_store", "reset_password"),
    ]
    caller = Client(address="192.0.2.1")
    for owner, part, step in steps:
        whole = getattr(owner, part)
        object.__setattr__(owner, part, Failing(whole, step))
        with pytest.raises(SecurityError):
            await flow.reset(token, THIRD, client=caller)
        object.__setattr__(owner, part, whole)
        assert (await login(client, password=THIRD)).status_code == 401
        assert (await login(client)).status_code == 200
    tokens = (await login(client)).json()
    ended = []
    end_all = sign_in.end_all

    async def end_once(account_id, *, keep=None):
        if ended:
            raise ServiceUnavailableError(reason="killed here")
        ended.append(account_id)
        return await end_all(account_id, keep=keep)

    object.__setattr__(sign_in, "end_all", end_once)
    with pytest.raises(SecurityError):
        await flow.reset(token, THIRD, client=caller)
    object.__delattr__(sign_in, "end_all")
    # The password is changed, and nobody is signed in beside it.
    assert (await client.get("/auth/me", headers=bearer(tokens))).status_code == 401
    assert (await login(client, password=THIRD)).status_code == 200


def test_a_secret_has_256_random_bits():
    from zenith.accounts.mail_flows import links

    assert links.new_token.__defaults__ == (32,)
    assert MailLinks is links.MailLinks


async def key_of(client, tokens):
    made = await client.post("/auth/api-keys", json={"name": "cron"}, headers=bearer(tokens))
    return {"X-API-Key": made.json()["key"]}


async def test_a_link_that_is_void_ends_nothing(app, client):
    """Who has read the mail keeps the link, and signs the owner out for as long as it lasts."""
    token = await forgot(app, client)
    tokens = (await login(client)).json()
    body = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
    await client.post("/auth/password", json=body, headers=bearer(tokens))
    key = await key_of(client, tokens)
    assert await reset(client, token) == 400
    assert (await client.get("/auth/me", headers=bearer(tokens))).status_code == 200
    # 403: it may not list keys, and it lives.
    assert (await client.get("/auth/api-keys", headers=key)).status_code == 403


async def moved(app, client):
    """The owner's tokens under the new address, and the link that would bring the former back."""
    confirm, tokens = await change_of_address(app, client)
    assert (await client.post("/auth/email/confirm", json={"token": confirm})).status_code == 204
    return tokens, await token_of(app, "email_changed")


async def test_a_link_whose_address_is_anothers_by_now_ends_nothing(app, client):
    tokens, back = await moved(app, client)
    key = await key_of(client, tokens)
    await register(client)
    verify = await token_of(app, "verify_email")
    assert (await client.post("/auth/email/verify", json={"token": verify})).status_code == 204
    assert (await client.post("/auth/email/revert", json={"token": back})).status_code == 400
    assert (await client.get("/auth/me", headers=bearer(tokens))).status_code == 200
    assert (await client.get("/auth/api-keys", headers=key)).status_code == 403


async def test_who_gives_way_to_the_owner_is_signed_out(app, client):
    _, back = await moved(app, client)
    await register(client)
    squatter = (await login(client)).json()
    headers = bearer(squatter)
    assert (await client.post("/auth/email/revert", json={"token": back})).status_code == 204
    # Believed without a look at the account.
    assert (await client.get("/auth/sessions", headers=headers)).status_code == 401


async def test_a_stranger_who_registered_an_address_first_keeps_no_way_in(app, client):
    """He adds a passkey and links an identity before the owner of the mailbox sets a password."""
    account = await app.accounts.store.by_email(EMAIL)
    database = app.assembly.database
    await SqlPasskeyStore(database).add_passkey(replace(KEY, account_id=account.id), limit=1)
    identities = SqlIdentityStore(database, app.accounts.store)
    await identities.link(replace(LINK, account_id=account.id), most=1)
    assert await reset(client, await forgot(app, client)) == 204
    assert not await identities.of_account(account.id)
    (kept,) = await SqlPasskeyStore(database).passkeys_of(account.id)
    assert kept.second_only


async def test_a_reset_leaves_the_ways_in_of_who_has_confirmed_the_address(app, client):
    verify = await token_of(app, "verify_email")
    assert (await client.post("/auth/email/verify", json={"token": verify})).status_code == 204
    account = await app.accounts.store.by_email(EMAIL)
    database = app.assembly.database
    await SqlPasskeyStore(database).add_passkey(replace(KEY, account_id=account.id), limit=1)
    identities = SqlIdentityStore(database, app.accounts.store)
    await identities.link(replace(LINK, account_id=account.id), most=1)
    assert await reset(client, await forgot(app, client)) == 204
    assert len(await identities.of_account(account.id)) == 1
    (kept,) = await SqlPasskeyStore(database).passkeys_of(account.id)
    assert not kept.second_only
