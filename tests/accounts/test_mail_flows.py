"""Verification, forgotten passwords and new addresses, over JSON, with an outbox."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from tests.accounts.application import (
    ALICE,
    EMAIL,
    OTHER_PASSWORD,
    PASSWORD,
    bearer,
    browse,
    events_of,
    login,
    make_administrator,
    make_app,
    make_settings,
    register,
    running,
    sign_in_with_form,
)
from tests.accounts.mails import link_in, mailed, token_in, token_of
from zenith.accounts.mail_flows.links import in_words
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.events import EventType
from zenith.mfa import PasskeyRecord
from zenith.oauth.store import Identity
from zenith.passwords import PasswordSettings
from zenith.stores.sql import SqlFactorStore, SqlIdentityStore, SqlPasskeyStore

NEW = "lovelace@example.org"
THIRD = "third secret of 3 lions"
PASSKEY = PasskeyRecord(
    id="",
    account_id="",
    credential_id="",
    public_key="",
    sign_count=0,
    name="Laptop",
    aaguid="",
    backup_eligible=False,
    backed_up=False,
    created_at=0.0,
)
IDENTITY = Identity(
    id="",
    account_id="",
    issuer="https://id.example.org",
    subject="",
    provider="oidc",
    created_at=0.0,
    last_used_at=0.0,
)


@pytest.fixture
async def app(tmp_path):
    async with running(make_app(tmp_path)) as app:
        yield app


@pytest.fixture
async def client(app):
    async with browse(app) as client:
        assert (await register(client)).status_code == 201
        yield client


@pytest.fixture
async def strict(tmp_path):
    """An application where addresses must be confirmed."""
    settings = make_settings(tmp_path)
    accounts = replace(settings.accounts, require_verified_email=True)
    async with running(make_app(tmp_path, settings=replace(settings, accounts=accounts))) as app:
        yield app


async def account(app, email=EMAIL):
    return await app.accounts.store.by_email(email)


async def forgot(client, email=EMAIL):
    return await client.post("/auth/password/forgot", json={"email": email})


async def reset(client, token, password=OTHER_PASSWORD):
    return await client.post(
        "/auth/password/reset", json={"token": token, "new_password": password}
    )


async def change_email(client, tokens, email=NEW, password=PASSWORD):
    return await client.post(
        "/auth/email/change",
        json={"new_email": email, "current_password": password},
        headers=bearer(tokens),
    )


async def test_registration_mails_a_link_that_confirms_the_address(app, client):
    (mail,) = await mailed(app)
    assert (mail.to, mail.kind) == (EMAIL, "verify_email")
    assert link_in(mail).startswith("http://localhost:8000/account/verify-email/")
    assert link_in(mail) in mail.html
    assert (await account(app)).email_verified_at is None
    answer = await client.post("/auth/email/verify", json={"token": token_in(mail)})
    assert answer.status_code == 204
    assert (await account(app)).email_verified_at is not None
    (event,) = await events_of(app, EventType.EMAIL_VERIFIED)
    assert event.target == (await account(app)).id
    answer = await client.post("/auth/email/verify", json={"token": token_in(mail)})
    assert (answer.status_code, answer.json()["code"]) == (400, "link_invalid")


async def test_an_address_can_be_asked_to_be_confirmed_again(app, client):
    for _ in range(2):
        answer = await client.post("/auth/email/verify/resend", json={"email": EMAIL})
        assert answer.status_code == 202
    assert len(await mailed(app, kind="verify_email")) == 3
    token = await token_of(app, "verify_email")
    assert (await client.post("/auth/email/verify", json={"token": token})).status_code == 204
    await client.post("/auth/email/verify/resend", json={"email": EMAIL})
    await client.post("/auth/email/verify/resend", json={"email": "nobody@example.org"})
    assert len(await mailed(app, kind="verify_email")) == 3


async def test_an_account_opens_once_its_address_is_confirmed(strict):
    async with browse(strict) as client:
        await register(client)
        answer = await login(client)
        assert answer.status_code == 401
        assert "not confirmed yet" in answer.json()["detail"]
        assert answer.json()["detail"] == (await login(client, password="x")).json()["detail"]
        # The right password asked for another link, the wrong one did not.
        assert len(await mailed(strict)) == 2
        token = await token_of(strict, "verify_email")
        assert (await client.post("/auth/email/verify", json={"token": token})).status_code == 204
        assert (await login(client)).status_code == 200
    reasons = [event.reason for event in await events_of(strict, EventType.LOGIN_FAILED)]
    assert reasons == ["e-mail is not confirmed", "wrong password"]


async def test_the_first_administrator_needs_no_mail(strict):
    await make_administrator(strict)
    async with browse(strict) as client:
        answer = await login(client, email="root@example.org", password=OTHER_PASSWORD)
        assert answer.status_code == 200


async def test_a_reset_confirms_the_address_as_well(strict):
    async with browse(strict) as client:
        await register(client)
        await forgot(client)
        assert (await reset(client, await token_of(strict, "reset_password"))).status_code == 204
        assert (await login(client, password=OTHER_PASSWORD)).status_code == 200


async def test_a_forgotten_password_is_set_anew(app, client):
    tokens = (await login(client)).json()
    assert (await forgot(client)).status_code == 202
    (mail,) = await mailed(app, kind="reset_password")
    assert (await reset(client, token_in(mail))).status_code == 204
    assert (await login(client)).status_code == 401
    assert (await client.get("/auth/me", headers=bearer(tokens))).status_code == 401
    refreshed = await client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert refreshed.status_code == 401
    assert (await login(client, password=OTHER_PASSWORD)).status_code == 200
    assert [each.to for each in await mailed(app, kind="password_reset")] == [EMAIL]
    asked, changed = await events_of(app, EventType.PASSWORD_RESET, EventType.PASSWORD_CHANGED)
    assert (asked.outcome, changed.reason) == ("success", "by a mailed link")
    assert asked.target == changed.target == (await account(app)).id


async def test_a_weak_password_spends_nothing(app, client):
    await forgot(client)
    token = await token_of(app, "reset_password")
    answer = await reset(client, token, "short")
    assert (answer.status_code, answer.json()["code"]) == (422, "weak_password")
    assert answer.json()["detail"][0]["loc"] == ["body", "new_password"]
    assert (await reset(client, token)).status_code == 204


async def test_a_locked_account_is_mailed_no_link(app, client):
    found = await account(app)
    await forgot(client)
    token = await token_of(app, "reset_password")
    await app.accounts.store.set_locked(found.id, 1.0, keep_one=None)
    assert (await reset(client, token)).status_code == 400
    assert (await forgot(client)).status_code == 202
    assert len(await mailed(app, kind="reset_password")) == 1


async def test_an_account_that_is_gone_has_no_links(app, client):
    await forgot(client)
    token = await token_of(app, "reset_password")
    await app.accounts.store.delete((await account(app)).id, keep_one=None)
    assert (await reset(client, token)).status_code == 400


async def test_the_owner_is_told_of_a_second_registration_and_can_set_a_password(app, client):
    assert (await register(client, password=OTHER_PASSWORD)).status_code == 201
    (mail,) = await mailed(app, kind="account_exists")
    assert mail.to == EMAIL
    assert (await reset(client, token_in(mail), THIRD)).status_code == 204
    assert (await login(client, password=THIRD)).status_code == 200


async def test_a_locked_owner_is_told_nothing(app, client):
    await app.accounts.store.set_locked((await account(app)).id, 1.0, keep_one=None)
    await register(client)
    assert await mailed(app, kind="account_exists") == []


async def test_one_mailbox_is_mailed_so_often_only(tmp_path):
    settings = make_settings(tmp_path)
    accounts = replace(settings.accounts, mailbox_limit="2/hour")
    app = make_app(tmp_path, settings=replace(settings, accounts=accounts))
    async with running(app), browse(app) as client:
        for _ in range(4):
            assert (await register(client)).status_code == 201
        assert len(await mailed(app)) == 2
        assert (await forgot(client)).status_code == 429
        assert (await forgot(client, "nobody@example.org")).status_code == 202


async def test_an_address_changes_once_its_mailbox_was_read(app, client):
    tokens = (await login(client)).json()
    assert (await change_email(client, tokens)).status_code == 202
    to_new, to_old = (
        await mailed(app, kind="confirm_new_email"),
        await mailed(app, kind="email_change_asked"),
    )
    assert ([each.to for each in to_new], [each.to for each in to_old]) == ([NEW], [EMAIL])
    assert await account(app, NEW) is None
    answer = await client.post("/auth/email/confirm", json={"token": token_in(to_new[0])})
    assert answer.status_code == 204
    found = await account(app, NEW)
    assert (found.email, found.email_verified_at is None) == (NEW, False)
    assert (await login(client)).status_code == 401
    assert (await login(client, email=NEW)).status_code == 200
    assert (await client.get("/auth/me", headers=bearer(tokens))).status_code == 200
    assert [each.to for each in await mailed(app, kind="email_changed")] == [EMAIL]
    assert [each.to for each in await mailed(app, kind="email_is_new")] == [NEW]
    reasons = [event.reason for event in await events_of(app, EventType.EMAIL_CHANGED)]
    assert reasons == ["asked for", "confirmed"]


async def test_only_the_spelling_of_an_address_can_change(app, client):
    tokens = (await login(client)).json()
    await change_email(client, tokens, "Ada@Example.org")
    token = await token_of(app, "confirm_new_email")
    assert (await client.post("/auth/email/confirm", json={"token": token})).status_code == 204
    assert (await account(app)).email == "Ada@example.org"


async def test_a_new_address_needs_the_password(app, client):
    tokens = (await login(client)).json()
    answer = await change_email(client, tokens, password=OTHER_PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
    answer = await client.post("/auth/email/change", json={"new_email": NEW})
    assert answer.status_code == 401
    assert await mailed(app, kind="confirm_new_email") == []


async def test_the_former_owner_takes_the_account_back(app, client):
    tokens = (await login(client)).json()
    await change_email(client, tokens)
    token = await token_of(app, "confirm_new_email")
    await client.post("/auth/email/confirm", json={"token": token})
    back = await token_of(app, "email_changed")
    assert (await client.post("/auth/email/revert", json={"token": back})).status_code == 204
    assert (await client.get("/auth/me", headers=bearer(tokens))).status_code == 401
    for email in (EMAIL, NEW):
        assert (await login(client, email=email)).status_code == 401
    assert (await reset(client, await token_of(app, "email_reverted"), THIRD)).status_code == 204
    assert (await login(client, password=THIRD)).status_code == 200
    assert (await client.post("/auth/email/revert", json={"token": back})).status_code == 400
    assert [each.target for each in await events_of(app, EventType.EMAIL_REVERTED)]


async def opens(client, key):
    """Whether the key still counts; its scopes open nothing here."""
    answer = await client.get("/auth/api-keys", headers={"X-API-Key": key})
    assert answer.status_code in (401, 403), answer.text
    return answer.status_code == 403


async def make_key(client, tokens):
    body = {"name": "export", "scopes": []}
    answer = await client.post("/auth/api-keys", json=body, headers=bearer(tokens))
    assert answer.status_code == 201, answer.text
    return answer.json()["key"]


@pytest.mark.parametrize(
    ("body", "ends"), [({}, "works for 24 hours more"), ({"overlap": 0}, "has ended")]
)
async def test_the_owner_is_told_of_a_rotated_key(app, client, body, ends):
    headers = bearer((await login(client)).json())
    made = await client.post("/auth/api-keys", json={"name": "export"}, headers=headers)
    path = f"/auth/api-keys/{made.json()['id']}/rotate"
    assert (await client.post(path, json=body, headers=headers)).status_code == 201
    (mail,) = await mailed(app, kind="api_key_rotated")
    assert mail.to == EMAIL
    assert f"The old one {ends}." in mail.text
    assert "127.0.0.1" in mail.text


async def test_a_reset_ends_the_keys(app, client):
    key = await make_key(client, (await login(client)).json())
    assert await opens(client, key)
    (mail,) = await mailed(app, kind="api_key_created")
    assert (mail.to, "export" in mail.text, "127.0.0.1" in mail.text) == (EMAIL, True, True)
    await forgot(client)
    token = await token_of(app, "reset_password")
    assert (await reset(client, token, "short")).status_code == 422
    assert await opens(client, key)
    assert (await reset(client, token)).status_code == 204
    assert not await opens(client, key)
    (event,) = await events_of(app, EventType.API_KEY_REVOKED)
    assert (event.reason, event.severity) == ("password reset", "WARNING")


async def test_what_a_thief_added_goes_and_what_stays_opens_nothing_alone(app, client):
    tokens = (await login(client)).json()
    key, owner = await make_key(client, tokens), await account(app)
    await add_ways_in(app, owner.id, {"old": 1.0, "new": time.time()})
    await change_email(client, tokens)
    token = await token_of(app, "confirm_new_email")
    await client.post("/auth/email/confirm", json={"token": token})
    back = await token_of(app, "email_changed")
    assert (await client.post("/auth/email/revert", json={"token": back})).status_code == 204
    assert not await opens(client, key)
    database = app.assembly.database
    passkeys = await SqlPasskeyStore(database).passkeys_of(owner.id)
    identities = await SqlIdentityStore(database, app.accounts.store).of_account(owner.id)
    assert [(each.id, each.second_only) for each in passkeys] == [("old", True)]
    assert list(identities) == []
    assert (await SqlFactorStore(database).counts(owner.id)).recovery_codes == 0
    kinds = (EventType.API_KEY_REVOKED, EventType.FACTOR_REMOVED, EventType.IDENTITY_UNLINKED)
    found = [event.type for event in await events_of(app, *kinds)]
    assert found == [*kinds, EventType.IDENTITY_UNLINKED]


async def add_ways_in(app, account_id, times):
    """A passkey and an identity from each of these times, and a recovery code."""
    database = app.assembly.database
    identities = SqlIdentityStore(database, app.accounts.store)
    for name, at in times.items():
        passkey = replace(PASSKEY, id=name, account_id=account_id, credential_id=name)
        await SqlPasskeyStore(database).add_passkey(replace(passkey, created_at=at), limit=9)
        linked = replace(IDENTITY, id=name, account_id=account_id, subject=name, created_at=at)
        await identities.link(linked, most=9)
    await SqlFactorStore(database).set_recovery_codes(account_id, ["1" * 64])


async def test_an_address_that_was_taken_meanwhile_is_not_taken_over(app, client):
    tokens = (await login(client)).json()
    await change_email(client, tokens)
    await register(client, email=NEW, password=OTHER_PASSWORD)
    token = await token_of(app, "confirm_new_email")
    answer = await client.post("/auth/email/confirm", json={"token": token})
    assert answer.json()["code"] == "link_invalid"
    assert (await login(client, email=NEW, password=OTHER_PASSWORD)).status_code == 200


async def test_a_change_of_the_password_is_told(app, client):
    tokens = (await login(client)).json()
    await client.post(
        "/auth/password",
        json={"current_password": PASSWORD, "new_password": OTHER_PASSWORD},
        headers=bearer(tokens),
    )
    (mail,) = await mailed(app, kind="password_changed")
    assert mail.to == EMAIL
    assert "127.0.0.1" in mail.text


async def test_a_lock_is_told(app, client):
    from tests.accounts.fakes import principal

    root = await make_administrator(app)
    found = await account(app)
    await app.accounts.administration.lock(principal(root.id), found.id, client=ALICE)
    assert [each.to for each in await mailed(app, kind="account_locked")] == [EMAIL]


async def test_in_production_without_a_server_nothing_pretends(tmp_path):
    settings = make_settings(
        tmp_path,
        env="production",
        origin="https://app.example.org",
        passwords=PasswordSettings(),
    )
    app = make_app(tmp_path, settings=settings)
    assert app.accounts.mail is None
    assert any(line.startswith("mail is off") for line in app.assembly.report)
    async with running(app), browse(app, origin="https://app.example.org") as client:
        assert (await register(client)).status_code == 201
        assert (await forgot(client)).status_code == 404
        assert (await login(client)).status_code == 200
    accounts = replace(settings.accounts, require_verified_email=True)
    with pytest.raises(ConfigurationError, match="require_verified_email") as caught:
        make_app(tmp_path, settings=replace(settings, accounts=accounts))
    assert "ZENITH_MAIL__HOST" in caught.value.fix


async def test_two_who_use_one_link_at_once(app, client):
    await forgot(client)
    token = await token_of(app, "reset_password")
    answers = await asyncio.gather(*(reset(client, token) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [204] + 9 * [400]


async def test_links_follow_the_settings(tmp_path):
    settings = make_settings(tmp_path, origin="https://app.example.org")
    accounts = replace(settings.accounts, reset_link="/#/reset/{token}")
    async with running(make_app(tmp_path, settings=replace(settings, accounts=accounts))) as app:
        async with browse(app, origin="https://app.example.org") as client:
            await register(client)
            await forgot(client)
        (mail,) = await mailed(app, kind="reset_password")
        assert link_in(mail).startswith("https://app.example.org/#/reset/")


async def test_a_browser_changes_its_address_too(app):
    async with browse(app) as client:
        await register(client)
        await sign_in_with_form(client)
        token = (await client.get("/page")).json()["token"]
        answer = await client.post(
            "/auth/email/change",
            json={"new_email": NEW, "current_password": PASSWORD},
            headers={"X-CSRF-Token": token, "Origin": "http://localhost:8000"},
        )
        assert answer.status_code == 202


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (60, "1 minute"),
        (1800, "30 minutes"),
        (7200, "2 hours"),
        (86400, "24 hours"),
        (3 * 86400, "3 days"),
    ],
)
def test_lifetimes_as_mails_say_them(seconds, words):
    assert in_words(seconds) == words
