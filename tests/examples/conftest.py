"""The guides' application, served over https in this process, with cheap password hashing."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from examples.guide.app import create_app
from zenith import Zenith
from zenith.accounts import Client

PASSWORD = "Violet-tractor-pond-90"
ORIGIN = "https://guide.example.org"


@dataclass(frozen=True)
class Guide:
    """The application and one client of it, which keeps cookies."""

    app: Zenith
    client: httpx.AsyncClient

    async def csrf(self) -> dict[str, str]:
        """The header with which a change without a bearer token is admitted."""
        answer = await self.client.get("/csrf-token")
        return {"X-CSRF-Token": answer.json()["csrf_token"]}

    async def register(self, email: str = "ada@example.org") -> httpx.Response:
        body = {"email": email, "password": PASSWORD}
        return await self.client.post("/register", json=body, headers=await self.csrf())

    async def log_in(
        self, email: str = "ada@example.org", password: str = PASSWORD
    ) -> httpx.Response:
        body = {"email": email, "password": password}
        return await self.client.post("/auth/login", json=body, headers=await self.csrf())

    async def bearer(self, email: str = "ada@example.org") -> dict[str, str]:
        """The header of a new account's access token."""
        await self.register(email)
        pair = (await self.log_in(email)).json()
        return {"Authorization": f"Bearer {pair['access_token']}"}

    async def administrator(self) -> dict[str, str]:
        """The header of the first administrator's access token."""
        registration = self.app.accounts.registration
        secret = await registration.issue_setup_secret()
        assert secret is not None
        await registration.create_administrator(
            secret, "root@example.org", PASSWORD, client=Client.local()
        )
        pair = (await self.log_in("root@example.org")).json()
        return {"Authorization": f"Bearer {pair['access_token']}"}

    async def stop(self) -> None:
        await self.app.middleware_stack.stop()

    def events(self) -> list[dict[str, Any]]:
        """What the application's audit log has written so far."""
        path = Path(".zenith/audit.jsonl")
        return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def guide_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ZENITH_SECRET_KEY", secrets.token_urlsafe(48))
    monkeypatch.setenv("ZENITH_ORIGIN", ORIGIN)
    monkeypatch.setenv("ZENITH_PASSWORDS__PROFILE", "testing")
    monkeypatch.setenv("ZENITH_ACCOUNTS__REGISTER_SECONDS", "0")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
async def start_guide(guide_environment: None) -> AsyncIterator[Callable[[], Any]]:
    """Starts the application; again, after a stop, on the same data."""
    running: list[Guide] = []

    async def start(**extra: Any) -> Guide:
        app = create_app()
        transport = httpx.ASGITransport(app=app, **extra)
        guide = Guide(app, httpx.AsyncClient(transport=transport, base_url=ORIGIN))
        running.append(guide)
        assert (await guide.client.get("/")).status_code == 200
        return guide

    yield start
    for guide in running:
        await guide.client.aclose()
        await guide.stop()


@pytest.fixture
async def guide(start_guide: Callable[[], Any]) -> Guide:
    """The application, started."""
    started: Guide = await start_guide()
    return started
