"""Flows of API keys that a test cuts off anywhere."""

from __future__ import annotations

from tests.accounts.application import bearer, login
from tests.accounts.killable import Flow, opens


class MakingKey(Flow):
    async def prepare(self, client):
        await super().prepare(client)
        self.own = (await login(client)).json()

    async def step(self, client):
        body = {"name": "k", "scopes": []}
        return await client.post("/auth/api-keys", json=body, headers=bearer(self.own))


class RotatingKey(MakingKey):
    async def prepare(self, client):
        await super().prepare(client)
        self.key = (await super().step(client)).json()

    async def step(self, client):
        path = f"/auth/api-keys/{self.key['id']}/rotate"
        return await client.post(path, json={}, headers=bearer(self.own))

    async def after(self, client):
        assert await self.works(client, self.key["key"])
        answer = await self.step(client)
        if answer.status_code != 201:
            # Replaced already, by one that nobody has seen: that one is rotated.
            listed = (await client.get("/auth/api-keys", headers=bearer(self.own))).json()
            keys = listed["keys"] if isinstance(listed, dict) else listed
            (unseen,) = (key for key in keys if key["id"] != self.key["id"])
            self.key = unseen
            answer = await self.step(client)
        assert answer.status_code == 201, answer.text
        assert await self.works(client, answer.json()["key"])

    async def works(self, client, key):
        return await opens(client, key)


class RevokingKey(RotatingKey):
    async def step(self, client):
        path = f"/auth/api-keys/{self.key['id']}"
        return await client.request("DELETE", path, headers=bearer(self.own))

    async def after(self, client):
        if await self.works(client, self.key["key"]):
            await Flow.after(self, client)
        assert not await self.works(client, self.key["key"])
