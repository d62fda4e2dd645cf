"""Flows of second factors that a test cuts off anywhere."""

from __future__ import annotations

from tests.accounts.application import bearer, login
from tests.accounts.killable import Flow
from tests.mfa.authenticator import Authenticator
from tests.mfa.people import add_totp, code_for, finish


class AddingTotp(Flow):
    async def prepare(self, client):
        await super().prepare(client)
        self.own = (await login(client)).json()
        begun = await client.post("/auth/factors/totp", headers=bearer(self.own))
        self.begun = begun.json()

    async def step(self, client):
        body = {"ticket": self.begun["ticket"], "code": code_for(self.begun["secret"])}
        return await client.post("/auth/factors/totp/confirm", json=body, headers=bearer(self.own))

    async def after(self, client):
        due = (await login(client)).json()
        if "challenge" not in due:
            await add_totp(client)
            return
        # Whoever has the app has a way back too.
        assert due["factors_due"] == ["totp", "recovery_code"]
        code = code_for(self.begun["secret"], steps=1)
        assert (await finish(client, due, "totp", code)).status_code == 200


class RemovingTotp(Flow):
    async def prepare(self, client):
        await super().prepare(client)
        self.secret, self.codes, self.own = await add_totp(client)

    async def step(self, client):
        return await client.request("DELETE", "/auth/factors/totp", headers=bearer(self.own))

    async def after(self, client):
        due = (await login(client)).json()
        if "challenge" in due:
            code = code_for(self.secret, steps=1)
            self.own = (await finish(client, due, "totp", code)).json()
            await super().after(client)
        assert "access_token" in (await login(client)).json()


class AddingPasskey(Flow):
    async def prepare(self, client):
        await super().prepare(client)
        self.own = (await login(client)).json()
        self.authenticator = Authenticator()
        options = await client.post("/auth/factors/passkeys/options", headers=bearer(self.own))
        self.options = options.json()

    async def step(self, client):
        body = {
            "credential": self.authenticator.create(self.options["options"]),
            "name": "phone",
        }
        return await client.post("/auth/factors/passkeys", json=body, headers=bearer(self.own))

    async def after(self, client):
        held = await client.get("/auth/factors", headers=bearer(self.own))
        if held.status_code != 200 or not held.json()["passkeys"]:
            self.own = (await login(client)).json()
            options = await client.post("/auth/factors/passkeys/options", headers=bearer(self.own))
            self.options = options.json()
            await super().after(client)
        await enter_by_passkey(client, self.authenticator)


async def enter_by_passkey(client, authenticator):
    answer = await passkey_answer(client, authenticator)
    assert (await client.post("/auth/login/passkey", json=answer)).status_code == 200


async def passkey_answer(client, authenticator):
    options = (await client.post("/auth/login/passkey/options")).json()
    return {"handle": options["handle"], "credential": authenticator.get(options["options"])}


class EnteringByPasskey(AddingPasskey):
    async def prepare(self, client):
        await super().prepare(client)
        assert (await super().step(client)).status_code == 201
        self.answer = await passkey_answer(client, self.authenticator)

    async def step(self, client):
        return await client.post("/auth/login/passkey", json=self.answer)

    async def after(self, client):
        await enter_by_passkey(client, self.authenticator)


class EnteringWithCode(Flow):
    async def prepare(self, client):
        await super().prepare(client)
        self.secret, self.codes, _ = await add_totp(client)
        self.due = (await login(client)).json()

    async def step(self, client):
        return await finish(client, self.due, "recovery_code", self.codes[0])

    async def after(self, client):
        due = (await login(client)).json()
        assert (await finish(client, due, "recovery_code", self.codes[1])).status_code == 200
