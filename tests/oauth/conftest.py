"""The ready server with a provider that obeys, and a real one in a process of its own."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from urllib.parse import urlsplit

import pytest

from tests.console.conftest import EASY, House, LoopTransport
from tests.oauth.fake import CLIENT, ISSUER, SECRET, FakeProvider
from tests.services.process import free_port
from zenith.console import create_server
from zenith.oauth import http_client
from zenith.settings import Settings

OIDC = {
    "ZENITH_OAUTH__OIDC__ISSUER": ISSUER,
    "ZENITH_OAUTH__OIDC__CLIENT_ID": CLIENT,
    "ZENITH_OAUTH__OIDC__CLIENT_SECRET": SECRET,
    "ZENITH_OAUTH__OIDC__LABEL": "Example",
    "ZENITH_OAUTH__START_LIMIT": "100000/minute",
}
PROVIDER = (sys.executable, "-m", "tests.oauth.provider")


class HereTransport(LoopTransport):
    """Runs the application in this thread, which is the one that coverage looks at."""

    def __init__(self, app):
        self.app, self.loop = app, asyncio.new_event_loop()

    def run(self, work):
        return self.loop.run_until_complete(work)

    def end(self):
        if self.app.middleware_stack is not None:
            self.run(self.app.middleware_stack.stop())
        self.loop.close()


class Site(House):
    """A server whose visitors can go to the provider."""

    def __init__(self, settings, provider):
        self.app = create_server(settings)
        self.transport = HereTransport(self.app)
        self.base, self._ada = settings.origin, None
        self.provider = provider

    def leave(self, visitor, path="/auth/oidc", **query):
        answer = visitor.client.get(path, params=query)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def travel(self, visitor, path="/auth/oidc", *, query=None, back="/auth/oidc/callback", **who):
        """There and back; what the visitor is answered."""
        fields = self.provider.visit(self.leave(visitor, path, **(query or {})), **who)
        return visitor.client.get(back, params=fields)


@pytest.fixture(scope="session")
def open_site(tmp_path_factory):
    """Builds servers with settings from variables."""
    sites = []

    def build(**variables):
        given = {"ZENITH_HOME": str(tmp_path_factory.mktemp("home")), **EASY, **OIDC, **variables}
        fake = FakeProvider()
        honest = http_client.ProviderHttp
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(http_client, "ProviderHttp", partial(honest, transport=fake))
            sites.append(Site(Settings.from_env(given, dotenv=None), fake))
        return sites[-1]

    yield build
    for site in sites:
        site.transport.end()


@pytest.fixture(scope="session")
def shared_site(open_site):
    return open_site()


@pytest.fixture
def site(shared_site):
    """A server that these tests share, and its provider at its best."""
    shared_site.provider.reset()
    return shared_site


@pytest.fixture(scope="session")
def real_provider(services):
    """Authlib's OpenID provider, in a process of its own."""
    port = free_port()
    env = {"AUTHLIB_INSECURE_TRANSPORT": "1", "PYTHONUNBUFFERED": "1"}
    service = services.command((*PROVIDER, str(port)), port=port, env=env)
    yield f"http://localhost:{port}"
    service.stop()


def path_of(url):
    return urlsplit(url).path
