"""The end of one's own account, a copy of it, its own columns, and roles that others give."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from starlette.requests import Request

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
from tests.accounts.fakes import principal
from tests.accounts.mails import mailed
from tests.mfa.people import add_totp
from zenith.accounts import Account, CurrentUser, LastAdministratorError, password_state
from zenith.accounts.own_account.export import PAGE
from zenith.app import Zenith
from zenith.authorization import authenticated
from zenith.kernel.errors import (
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    ServiceUnavailableError,
    ValidationError,
)
from zenith.kernel.events import Event, EventType
from zenith.kernel.one_step import current_step
from zenith.kernel.principal import Principal
from zenith.mfa import PasskeyRecord, TrustedDevice
from zenith.oauth import Identity
from zenith.rbac import RoleAssignment
from zenith.stores.sql import (
    SqlIdentityStore,
    SqlPasskeyStore,
    SqlRoleStore,
    SqlTrustedDeviceStore,
)


@pytest.fixture
async def app(tmp_path):
    async with running(make_app(tmp_path)) as app:
        yield app


@pytest.fixture
async def client(app):
    async with browse(app) as client:
        await register(client, name="Ada")
        yield client


async def delete(client, tokens, password=PASSWORD):
    return await client.request(
        "DELETE", "/auth/account", json={"current_password": password}, headers=bearer(tokens)
    )


async def test_an_account_ends_with_all_that_it_holds(app, client):
    mine, other = (await login(client)).json(), (await login(client)).json()
    account = await app.accounts.store.by_email(EMAIL)
    made = await client.post("/auth/api-keys", json={"name": "x"}, headers=bearer(mine))
    key = {"X-API-Key": made.json()["key"]}
    assert (await client.get("/auth/api-keys", headers=key)).status_code == 403
    assert (await delete(client, mine, "wrong")).status_code == 401
    assert (await delete(client, mine)).status_code == 204
    assert (await client.get("/auth/api-keys", headers=key)).status_code == 401
    for tokens in (mine, other):
        assert (await client.get("/auth/me", headers=bearer(tokens))).status_code == 401
        body = {"refresh_token": tokens["refresh_token"]}
        assert (await client.post("/auth/refresh", json=body)).status_code == 401
    assert (await login(client)).status_code == 401
    assert await app.accounts.store.by_id(account.id) is None
    assert [mail.to for mail in await mailed(app, kind="account_deleted")] == [EMAIL]
    events = await events_of(app, *EventType)
    (deleted,) = [event for event in events if event.type is EventType.ACCOUNT_DELETED]
    assert (deleted.subject, deleted.target) == (account.id, account.id)
    assert EMAIL not in str(events)
    # The address is free again, for an account that has nothing of the former one.
    await register(client)
    assert (await login(client)).status_code == 200


async def test_no_token_outlives_a_deletion_that_was_cut_off(app, client, monkeypatch):
    """The server dies right after the account is gone; its tokens are believed without a look."""
    tokens = (await login(client)).json()
    account = await app.accounts.store.by_email(EMAIL)
    cut_off_after_the_step(monkeypatch, app.accounts.sign_in)
    assert (await delete(client, tokens)).status_code == 503
    assert await app.accounts.store.by_id(account.id) is None
    assert (await client.get("/auth/sessions", headers=bearer(tokens))).status_code == 401


async def test_no_token_outlives_a_lock_that_was_cut_off(app, client, monkeypatch):
    tokens = (await login(client)).json()
    account = await app.accounts.store.by_email(EMAIL)
    cut_off_after_the_step(monkeypatch, app.accounts.sign_in)
    with pytest.raises(ServiceUnavailableError):
        await app.accounts.administration.lock(OPERATOR, account.id, client=ALICE)
    assert not (await app.accounts.store.by_id(account.id)).is_active
    assert (await client.get("/auth/sessions", headers=bearer(tokens))).status_code == 401


def cut_off_after_the_step(monkeypatch, sign_in):
    """Nothing of the flow runs that comes after what it stores in one step."""
    end_all = sign_in.end_all

    async def ending(self, account_id, *, keep=None):
        if keep is None and current_step() is None:
            raise ServiceUnavailableError
        return await end_all(account_id, keep=keep)

    monkeypatch.setattr(type(sign_in), "end_all", ending)


async def test_a_browser_forgets_its_session(app, client):
    await sign_in_with_form(client)
    token = (await client.get("/page")).json()["token"]
    headers = {"X-CSRF-Token": token, "Origin": "http://localhost:8000"}
    body = {"current_password": PASSWORD}
    answer = await client.request("DELETE", "/auth/account", json=body, headers=headers)
    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]


async def test_the_last_administrator_stays(app, client):
    await make_administrator(app)
    answer = await login(client, email="root@example.org", password=OTHER_PASSWORD)
    answer = await delete(client, answer.json(), OTHER_PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (409, "last_administrator")


async def test_only_people_have_an_account_to_delete(app):
    service = Principal(subject="x", kind="service")
    for caller in (service, replace(service, kind="user")):
        with pytest.raises(Exception, match="Authentication required"):
            await app.accounts.deletion.delete(caller, "", client=ALICE)


async def test_without_a_password_a_recent_factor_is_the_proof(app):
    await app.accounts.store.create(
        Account(id="ben", email="ben@x.org", email_key="ben@x.org", created_at=1.0)
    )
    proof = app.accounts.deletion._proof
    now = proof._clock()
    late, recent = (
        Principal(subject="ben", kind="user", factors={"oauth": now - age}) for age in (900, 60)
    )
    for caller in (late, replace(late, factors={})):
        with pytest.raises(Exception, match="sign in again first"):
            await proof.check(caller, "", client=ALICE)
    assert (await proof.check(recent, "", client=ALICE)).id == "ben"


async def test_a_copy_holds_what_is_ones_own_and_no_secret(app, client):
    root = await make_administrator(app)
    secret, codes, tokens = await add_totp(client)
    made = await client.post("/auth/api-keys", json={"name": "export"}, headers=bearer(tokens))
    account = await app.accounts.store.by_email(EMAIL)
    await app.accounts.administration.unlock(principal(root.id), account.id, client=ALICE)
    roles = SqlRoleStore(app.assembly.database)
    editor = RoleAssignment(
        account_id=account.id,
        role="moderator",
        tenant="acme",
        expires_at=4e9,
        granted_by=root.id,
        granted_at=2.0,
    )
    assert await roles.grant(editor, expected=await roles.version()) == "granted"
    for number in range(PAGE):
        await app.assembly.accounts.export._events.record(
            Event(
                type=EventType.LOGIN_FAILED, outcome="failure", at=float(number), target=account.id
            )
        )
    answer = await client.get("/auth/account/export", headers=bearer(tokens))
    assert answer.headers["cache-control"] == "no-store"
    assert "attachment" in answer.headers["content-disposition"]
    found = answer.json()
    assert (found["account"]["email"], found["account"]["name"]) == (EMAIL, "Ada")
    assert len(found["sessions"]) == 1
    assert len(found["events"]) > PAGE
    assert [each["name"] for each in found["api_keys"]] == ["export"]
    assert found["identities"] == found["trusted_devices"] == []
    assert found["role_assignments"] == [
        {"role": "moderator", "tenant": "acme", "granted_at": 2.0, "expires_at": 4e9}
    ]
    assert found["factors"]["recovery_codes"] == 10
    assert found["factors"]["totp"]["created_at"] > 0
    assert found["factors"]["passkeys"] == []
    assert {event["by"] for event in found["events"]} <= {"you", "somebody else", None}
    secrets = (secret, codes[0], made.json()["key"], root.id, "root@example.org")
    for hidden in ("argon2", "digest", "handle", "key_hash", *secrets):
        assert hidden not in answer.text
    (event,) = await events_of(app, EventType.DATA_EXPORT)
    assert event.subject == account.id


async def test_a_copy_tells_of_each_way_in(app, client):
    tokens = (await login(client)).json()
    account, database = await app.accounts.store.by_email(EMAIL), app.assembly.database
    passkey = PasskeyRecord(
        id="k1",
        account_id=account.id,
        credential_id="hidden-credential",
        public_key="hidden-key",
        sign_count=1,
        name="Phone",
        aaguid="0",
        backup_eligible=True,
        backed_up=True,
        created_at=1.0,
    )
    await SqlPasskeyStore(database).add_passkey(passkey, limit=5)
    device = TrustedDevice(
        id="d1",
        account_id=account.id,
        digest="hidden-digest",
        password_state=password_state(account),
        created_at=1.0,
        expires_at=4e9,
        address="192.0.2.1",
        user_agent="a browser",
        last_used_at=2.0,
    )
    await SqlTrustedDeviceStore(database).trust(device, keep=5)
    identity = Identity(
        id="i1",
        account_id=account.id,
        issuer="https://id.example.org",
        subject="s1",
        provider="oidc",
        label="ada@there.example",
        created_at=1.0,
        last_used_at=2.0,
    )
    await SqlIdentityStore(database, app.accounts.store).link(identity, most=5)
    thumbprint = "A" * 43
    body = {"name": "export", "thumbprint": thumbprint}
    assert (
        await client.post("/auth/api-keys", json=body, headers=bearer(tokens))
    ).status_code == 201
    answer = await client.get("/auth/account/export", headers=bearer(tokens))
    found = answer.json()
    assert [each["name"] for each in found["factors"]["passkeys"]] == ["Phone"]
    (trusted,) = found["trusted_devices"]
    assert (trusted["address"], trusted["user_agent"]) == ("192.0.2.1", "a browser")
    (linked,) = found["identities"]
    assert (linked["issuer"], linked["subject"]) == ("https://id.example.org", "s1")
    (key,) = found["api_keys"]
    assert (key["name"], key["thumbprint"], key["revoked_at"]) == ("export", thumbprint, None)
    assert "hidden" not in answer.text


async def test_what_others_did_is_told_without_them(app, client):
    root = await make_administrator(app)
    account = await app.accounts.store.by_email(EMAIL)
    admin = principal(root.id)
    await app.accounts.administration.lock(admin, account.id, client=ALICE)
    await app.accounts.administration.unlock(admin, account.id, client=ALICE)
    tokens = (await login(client)).json()
    found = (await client.get("/auth/account/export", headers=bearer(tokens))).json()
    (locked,) = [each for each in found["events"] if each["type"] == "ACCOUNT_LOCKED"]
    assert (locked["by"], locked["address"]) == ("somebody else", None)


async def test_an_application_without_a_log_exports_without_one(tmp_path):
    async with running(make_app(tmp_path, audit=None)) as app, browse(app) as client:
        await register(client)
        tokens = (await login(client)).json()
        found = (await client.get("/auth/account/export", headers=bearer(tokens))).json()
        assert found["events"] == []


async def test_other_capabilities_add_to_the_copy(app, client):
    async def keys(account_id):
        return [account_id]

    app.accounts.export._sections["keys"] = keys
    tokens = (await login(client)).json()
    found = (await client.get("/auth/account/export", headers=bearer(tokens))).json()
    assert found["keys"] == [found["account"]["id"]]


OPERATOR = replace(principal("operator"), kind="service", scheme="cli")


async def test_roles_are_given_by_those_who_hold_them(app, client):
    root = await make_administrator(app)
    admin, administration = principal(root.id), app.accounts.administration
    tokens = (await login(client)).json()
    account = await app.accounts.store.by_email(EMAIL)
    assert await administration.set_roles(admin, account.id, ["user", "moderator"], client=ALICE)
    assert (await client.get("/auth/me", headers=bearer(tokens))).status_code == 401
    found = await app.accounts.store.by_id(account.id)
    assert found.roles == ("user", "moderator")
    (event,) = await events_of(app, EventType.ROLES_CHANGED)
    assert (event.subject, event.target) == (root.id, account.id)
    assert event.reason == "now user, moderator"
    assert not await administration.set_roles(admin, "nobody", ["user"], client=ALICE)
    with pytest.raises(ConflictError):
        await administration.set_roles(admin, root.id, ["user"], client=ALICE)
    with pytest.raises(ValidationError):
        await administration.set_roles(admin, account.id, ["emperor"], client=ALICE)
    lower = principal("m", roles=("moderator",))
    with pytest.raises(PermissionDeniedError):
        await administration.set_roles(lower, account.id, ["super_admin"], client=ALICE)
    with pytest.raises(PermissionDeniedError):
        await administration.set_roles(lower, root.id, ["user"], client=ALICE)
    with pytest.raises(LastAdministratorError):
        await administration.set_roles(OPERATOR, root.id, ["user"], client=ALICE)


@dataclass(frozen=True, kw_only=True)
class Member(Account):
    company: str = ""
    seats: int = 1


async def test_an_application_has_columns_of_its_own(tmp_path):
    app = Zenith(settings=make_settings(tmp_path), user_model=Member)
    app.add_auth()

    @app.get("/company")
    @authenticated
    async def company(user: CurrentUser) -> dict[str, object]:
        member = user.as_model(Member)
        return {"company": member.company, "seats": member.seats}

    @app.put("/company")
    @authenticated
    async def rename(name: str, user: CurrentUser, request: Request) -> str:
        member = await request.app.accounts.profiles.update(user.id, company=name)
        return member.company

    async with running(app), browse(app) as client:
        await register(client)
        headers = bearer((await login(client)).json())
        assert (await client.get("/company", headers=headers)).json() == {"company": "", "seats": 1}
        answer = await client.put("/company", params={"name": "Acme"}, headers=headers)
        assert answer.json() == "Acme"
        assert (await client.get("/company", headers=headers)).json()["company"] == "Acme"
        found = (await client.get("/auth/account/export", headers=headers)).json()
        assert found["account"]["profile"] == {"company": "Acme", "seats": 1}
        # No route of ours sets them.
        answer = await register(client, email="eve@example.org", seats=99)
        assert answer.status_code == 422
        with pytest.raises(ValidationError):
            await app.accounts.profiles.update(found["account"]["id"], seats="many")
        with pytest.raises(NotFoundError):
            await app.accounts.profiles.update("nobody", seats=2)


async def test_another_class_is_a_mistake_in_code(app, client):
    from zenith.accounts import User

    account = await app.accounts.store.by_email(EMAIL)
    user = User(account=account, principal=principal(account.id))
    assert user.as_model(Account) is account
    with pytest.raises(TypeError, match="accounts are Account, not Member"):
        user.as_model(Member)


async def test_the_last_administrator_who_must_stay_keeps_its_keys(app, client):
    await make_administrator(app)
    tokens = (await login(client, "root@example.org", OTHER_PASSWORD)).json()
    made = await client.post("/auth/api-keys", json={"name": "cron"}, headers=bearer(tokens))
    refused = await client.request(
        "DELETE",
        "/auth/account",
        json={"current_password": OTHER_PASSWORD},
        headers=bearer(tokens),
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "last_administrator")
    (key,) = (await client.get("/auth/api-keys", headers=bearer(tokens))).json()
    assert (key["id"], key["revoked_at"]) == (made.json()["id"], None)
