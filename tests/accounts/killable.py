"""Flows that a test cuts off anywhere: see tests/attacks/test_killed_between_steps.py."""

from __future__ import annotations

from sqlalchemy import select

from tests.accounts.application import (
    EMAIL,
    OTHER_PASSWORD,
    PASSWORD,
    bearer,
    browse,
    login,
    register,
    sign_in_with_form,
)
from tests.accounts.mails import token_of
from zenith.stores.sql import SqlAccountStore
from zenith.stores.sql.schema import metadata

NEW_EMAIL = "grace@example.org"
KEPT = {"zenith_audit_events", "zenith_audit_seals", "zenith_revocations"}


async def opens(client, key):
    """Whether an API key is believed: with one that is, this route knows whose it is."""
    answer = await client.get("/auth/api-keys", headers={"X-API-Key": key})
    assert answer.status_code in (401, 403), answer.text
    return answer.status_code == 403


def accounts_of(client):
    return SqlAccountStore(client.app.assembly.database)


class Flow:
    """`prepare` is what happened before, `step` is cut off, `after` judges what a new server finds.

    `self` keeps what the person has: passwords, tokens, codes from mails.
    """

    async def prepare(self, client):
        assert (await register(client)).status_code == 201

    async def step(self, client):
        raise NotImplementedError

    async def after(self, client):
        """Repeat it."""
        answer = await self.step(client)
        assert answer.is_success, answer.text

    async def opens(self, client, *pairs):
        """Which of these e-mails and passwords sign in."""
        return [pair for pair in pairs if (await login(client, *pair)).status_code == 200]

    async def is_alive(self, client, tokens):
        me = await client.get("/auth/me", headers=bearer(tokens))
        return me.status_code == 200


class Registering(Flow):
    async def prepare(self, client):
        pass

    async def step(self, client):
        return await register(client)

    async def after(self, client):
        await super().after(client)
        me = await client.get("/auth/me", headers=bearer((await login(client)).json()))
        assert me.json()["roles"] == ["user"]


class Verifying(Flow):
    async def prepare(self, client):
        await super().prepare(client)
        self.token = await token_of(client.app, "verify_email")

    async def step(self, client):
        return await client.post("/auth/email/verify", json={"token": self.token})

    async def after(self, client):
        again = await self.step(client)
        assert again.status_code in (204, 400)
        account = await accounts_of(client).by_email(EMAIL)
        assert account.email_verified_at is not None


class Forgetting(Flow):
    async def step(self, client):
        return await client.post("/auth/password/forgot", json={"email": EMAIL})

    async def after(self, client):
        await super().after(client)
        token = await token_of(client.app, "reset_password")
        body = {"token": token, "new_password": OTHER_PASSWORD}
        assert (await client.post("/auth/password/reset", json=body)).status_code == 204
        assert await self.opens(client, (EMAIL, OTHER_PASSWORD), (EMAIL, PASSWORD)) == [
            (EMAIL, OTHER_PASSWORD)
        ]


class Replacing(Flow):
    """A flow that sets another password and throws a thief out, who has tokens and a cookie."""

    async def prepare(self, client):
        await super().prepare(client)
        self.own = (await login(client)).json()
        self.thief = (await login(client)).json()
        async with browse(client.app) as browser:
            assert (await sign_in_with_form(browser)).status_code == 200
            self.cookie = dict(browser.cookies)

    async def after(self, client):
        old, new = (EMAIL, PASSWORD), (EMAIL, OTHER_PASSWORD)
        found = await self.opens(client, old, new)
        assert found in ([old], [new])
        if found == [old]:
            await super().after(client)
        assert await self.opens(client, old, new) == [new]
        assert not await self.is_alive(client, self.thief)
        body = {"refresh_token": self.thief["refresh_token"]}
        assert (await client.post("/auth/refresh", json=body)).status_code == 401
        async with browse(client.app, cookies=self.cookie) as browser:
            assert (await browser.get("/auth/me")).status_code == 401


class Resetting(Replacing):
    async def prepare(self, client):
        await super().prepare(client)
        await client.post("/auth/password/forgot", json={"email": EMAIL})
        self.token = await token_of(client.app, "reset_password")

    async def step(self, client):
        body = {"token": self.token, "new_password": OTHER_PASSWORD}
        return await client.post("/auth/password/reset", json=body)

    async def after(self, client):
        await super().after(client)
        assert (await self.step(client)).status_code == 400


class ChangingPassword(Replacing):
    async def step(self, client):
        body = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
        return await client.post("/auth/password", json=body, headers=bearer(self.own))


class ChangingEmail(Flow):
    async def prepare(self, client):
        await super().prepare(client)
        tokens = (await login(client)).json()
        body = {"new_email": NEW_EMAIL, "current_password": PASSWORD}
        asked = await client.post("/auth/email/change", json=body, headers=bearer(tokens))
        assert asked.status_code == 202, asked.text
        self.token = await token_of(client.app, "confirm_new_email")

    async def step(self, client):
        return await client.post("/auth/email/confirm", json={"token": self.token})

    async def after(self, client):
        old, new = (EMAIL, PASSWORD), (NEW_EMAIL, PASSWORD)
        found = await self.opens(client, old, new)
        assert found in ([old], [new])
        if found == [old]:
            await super().after(client)
        assert await self.opens(client, old, new) == [new]
        assert (await self.step(client)).status_code == 400
        links = metadata.tables["zenith_mail_links"]
        purposes = await client.app.assembly.database.rows(select(links.c.purpose))
        assert "revert_email" in {row.purpose for row in purposes}


class Reverting(ChangingEmail):
    async def prepare(self, client):
        await super().prepare(client)
        assert (await super().step(client)).status_code == 204
        self.back = await token_of(client.app, "email_changed")
        self.thief = (await login(client, NEW_EMAIL)).json()

    async def step(self, client):
        return await client.post("/auth/email/revert", json={"token": self.back})

    async def after(self, client):
        store = accounts_of(client)
        old, new = await store.by_email(EMAIL), await store.by_email(NEW_EMAIL)
        assert (old is None) != (new is None)
        if old is None:
            await Flow.after(self, client)
        assert not await self.is_alive(client, self.thief)
        assert await self.opens(client, (EMAIL, PASSWORD), (NEW_EMAIL, PASSWORD)) == []
        await client.post("/auth/password/forgot", json={"email": EMAIL})
        body = {"token": await token_of(client.app, "reset_password")}
        body["new_password"] = OTHER_PASSWORD
        assert (await client.post("/auth/password/reset", json=body)).status_code == 204


class Deleting(Flow):
    async def prepare(self, client):
        await super().prepare(client)
        self.own = (await login(client)).json()
        self.other = (await login(client)).json()
        key = {"name": "k", "scopes": []}
        made = await client.post("/auth/api-keys", json=key, headers=bearer(self.own))
        assert made.status_code == 201, made.text
        self.key = made.json()["key"]
        account = await accounts_of(client).by_email(EMAIL)
        self.id = account.id

    async def step(self, client):
        body = {"current_password": PASSWORD}
        headers = bearer(self.own)
        return await client.request("DELETE", "/auth/account", json=body, headers=headers)

    async def after(self, client):
        if await self.opens(client, (EMAIL, PASSWORD)):
            if not await self.is_alive(client, self.own):
                self.own = (await login(client)).json()
            await super().after(client)
        assert await self.opens(client, (EMAIL, PASSWORD)) == []
        for tokens in (self.own, self.other):
            assert not await self.is_alive(client, tokens)
        assert not await opens(client, self.key)
        for table in metadata.tables.values():
            column = table.c.get("account_id")
            if column is not None and table.name not in KEPT:
                rows = await client.app.assembly.database.rows(
                    select(column).where(column == self.id)
                )
                assert not rows, table.name


class Entering(Flow):
    async def step(self, client):
        return await login(client)


class Refreshing(Flow):
    async def prepare(self, client):
        await super().prepare(client)
        self.own = (await login(client)).json()

    async def step(self, client):
        body = {"refresh_token": self.own["refresh_token"]}
        return await client.post("/auth/refresh", json=body)

    async def after(self, client):
        for _ in range(2):
            answer = await self.step(client)
            assert answer.status_code == 200, answer.text
            self.own = answer.json()
        assert await self.is_alive(client, self.own)


class Leaving(Refreshing):
    path = "/auth/logout"

    async def step(self, client):
        return await client.post(self.path, headers=bearer(self.own))

    async def after(self, client):
        if await self.is_alive(client, self.own):
            await Flow.after(self, client)
        assert not await self.is_alive(client, self.own)
        assert (await Refreshing.step(self, client)).status_code == 401


class LeavingEverywhere(Leaving):
    path = "/auth/logout/everywhere"


class Confirming(Flow):
    async def prepare(self, client):
        await super().prepare(client)
        async with browse(client.app) as browser:
            assert (await sign_in_with_form(browser)).status_code == 200
            self.cookie = dict(browser.cookies)

    async def step(self, client):
        async with browse(client.app, cookies=self.cookie) as browser:
            token = (await browser.get("/page")).json()["token"]
            return await browser.post(
                "/auth/confirm",
                json={"factor": "password", "proof": PASSWORD},
                headers={"X-CSRF-Token": token, "Sec-Fetch-Site": "same-origin"},
            )

    async def after(self, client):
        async with browse(client.app, cookies=self.cookie) as browser:
            alive = (await browser.get("/auth/me")).status_code == 200
        if alive:
            await super().after(client)
        # Where the session has its next id already, nobody has that cookie: sign in again.
        assert (await login(client)).status_code == 200
