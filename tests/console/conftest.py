"""The ready server in this process, and visitors of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.console.visitor import Visitor
from zenith.console import create_server
from zenith.settings import Settings

EASY = {
    "ZENITH_PASSWORDS__PROFILE": "testing",
    "ZENITH_ACCOUNTS__REGISTER_SECONDS": "0",
    "ZENITH_ACCOUNTS__REGISTER_LIMIT": "100000/minute",
    "ZENITH_ACCOUNTS__SIGN_IN_LIMIT": "100000/minute",
    "ZENITH_RATE_LIMITS__PER_ADDRESS": "100000/minute",
}


class LoopTransport(httpx.BaseTransport):
    """Lets a synchronous client call an ASGI application, on a loop that runs meanwhile, in this
    thread: others are not traced.
    """

    def __init__(self, app: Any) -> None:
        self.app = app
        self.loop = asyncio.new_event_loop()

    def run(self, work: Any) -> Any:
        if self.loop.is_running():  # a thread that was started in here
            return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)
        return self.loop.run_until_complete(asyncio.wait_for(work, 60))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self.run(self._send(request))

    async def _send(self, request: httpx.Request) -> httpx.Response:
        asgi = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        stream = httpx.ByteStream(request.read())
        answer = await asgi.handle_async_request(
            httpx.Request(request.method, request.url, headers=request.headers, stream=stream)
        )
        body = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)

    def end(self) -> None:
        if self.app.middleware_stack is not None:
            self.run(self.app.middleware_stack.stop())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


class House:
    """A server with its visitors. `ada` is the administrator."""

    def __init__(self, settings: Settings) -> None:
        self.app = create_server(settings)
        self.transport = LoopTransport(self.app)
        self.base = settings.origin
        self._ada: Visitor | None = None

    def visitor(self, **headers: str) -> Visitor:
        client = httpx.Client(transport=self.transport, base_url=self.base, headers=headers)
        return Visitor(client)

    @property
    def accounts(self) -> Any:
        return self.app.accounts

    def run(self, work: Any) -> Any:
        return self.transport.run(work)

    def setup_link(self) -> str:
        self.visitor().get("/healthz")
        return f"/setup/{self.run(self.accounts.registration.issue_setup_secret())}"

    @property
    def ada(self) -> Visitor:
        if self._ada is None:
            self._ada = self.visitor().set_up(self.setup_link())
        return self._ada


@pytest.fixture(scope="session")
def open_house(tmp_path_factory) -> Iterator[Any]:
    """Builds servers with settings from variables."""
    houses = []

    def build(**variables: str) -> House:
        home = tmp_path_factory.mktemp("home")
        given = {"ZENITH_HOME": str(home), **EASY, **variables}
        if variables.get("ZENITH_RATE_LIMITS") == "off":
            del given["ZENITH_RATE_LIMITS__PER_ADDRESS"]
        settings = Settings.from_env(given, dotenv=None)
        houses.append(House(settings))
        return houses[-1]

    yield build
    for house in houses:
        house.transport.end()


@pytest.fixture(scope="session")
def house(open_house) -> House:
    """A server that the tests of this folder share."""
    return open_house()


@pytest.fixture(scope="session")
def https_house(open_house) -> House:
    """A server whose users come by https, as in production."""
    return open_house(
        ZENITH_ORIGIN="https://app.example.org",
        ZENITH_SECRET_KEY="R4nd0m-k3y-f0r-th3-t3sts-0nly-abcdefghijklmnop",
    )


@pytest.fixture
def anybody(house) -> Visitor:
    """Somebody without an account."""
    return house.visitor()


@pytest.fixture
def member(house, request) -> Visitor:
    """Somebody who is signed in."""
    visitor = house.visitor()
    visitor.email = f"m{abs(hash(request.node.nodeid))}@example.org"
    return visitor.join(visitor.email)
