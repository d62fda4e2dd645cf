"""Sign-ins with a provider that a test cuts off anywhere."""

from __future__ import annotations

from tests.accounts.application import EMAIL, bearer, browse, login
from tests.accounts.killable import Flow


class EnteringByProvider(Flow):
    """The account, its identity and its session are made on the way back."""

    async def prepare(self, client):
        self.cookie, self.fields = await self.go(client)

    async def go(self, client):
        async with browse(client.app) as browser:
            left = await browser.get("/auth/oidc")
            assert left.status_code == 303, left.text
            fields = client.provider.visit(left.headers["location"], email=EMAIL)
            return dict(browser.cookies), fields

    async def back(self, client, cookie, fields):
        async with browse(client.app, cookies=cookie) as browser:
            return await browser.get("/auth/oidc/callback", params=fields)

    async def step(self, client):
        return await self.back(client, self.cookie, self.fields)

    async def after(self, client):
        answer = await self.back(client, *await self.go(client))
        assert (answer.status_code, answer.headers["location"]) == (303, "/"), answer.text


class Linking(EnteringByProvider):
    async def prepare(self, client):
        await Flow.prepare(self, client)
        self.own = (await login(client)).json()
        self.cookie, self.fields = await self.go(client)

    async def go(self, client):
        async with browse(client.app) as browser:
            left = await browser.post("/auth/oidc/link", json={}, headers=bearer(self.own))
            assert left.status_code == 200, left.text
            fields = client.provider.visit(
                left.json()["authorization_url"], email="else@example.org"
            )
            return dict(browser.cookies), fields

    async def after(self, client):
        listed = await client.get("/auth/identities", headers=bearer(self.own))
        if not listed.json():
            answer = await self.back(client, *await self.go(client))
            assert answer.status_code == 303, answer.text
        entering = EnteringByProvider()
        async with browse(client.app) as browser:
            left = await browser.get("/auth/oidc")
            fields = client.provider.visit(left.headers["location"], email="else@example.org")
            assert (await entering.back(client, dict(browser.cookies), fields)).status_code == 303
