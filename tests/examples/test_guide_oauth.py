"""The guide's sign-in with Google, made right."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from examples.guide.app import create_app
from examples.guide.oauth import with_google
from tests.examples.conftest import ORIGIN
from tests.oauth.fake import CLIENT, SECRET, FakeProvider
from zenith import Settings
from zenith.oauth import http_client
from zenith.tokens import generate_key

GOOGLE = "https://accounts.google.com"
JSON = {"accept": "application/json"}


@pytest.fixture(scope="module")
def key():
    return generate_key("RS256", kid="google")


@pytest.fixture
def google(key):
    """Stands in for Google: answers at its addresses."""
    provider = FakeProvider()
    provider.key, provider.published = key, [key]
    provider.metadata = {"issuer": GOOGLE}
    provider.claims = {"iss": GOOGLE}
    return provider


@pytest.fixture
async def client(guide_environment, google, monkeypatch) -> AsyncIterator[httpx.AsyncClient]:
    honest = http_client.ProviderHttp
    monkeypatch.setattr(http_client, "ProviderHttp", partial(honest, transport=google))
    app = create_app(with_google(Settings.from_env(), client_id=CLIENT, client_secret=SECRET))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=JSON) as client:
        yield client
        await app.middleware_stack.stop()  # type: ignore[union-attr]


async def sign_in(client, google, **who):
    left = await client.get("/auth/google", params={"next": "/protected"})
    fields = {**google.visit(left.headers["location"], **who), "iss": GOOGLE}
    return left, await client.get("/auth/google/callback", params=fields)


async def test_google_signs_in_to_an_account_of_ones_own(client, google):
    """The guide's flow has no PKCE, keeps `state` in the cookie session where it can be spent
    twice, finds the account by the e-mail address, answers its own error text, and hands an access
    token to the browser as a page."""
    left, back = await sign_in(client, google, subject="1", email="ada@example.org")
    query = dict(parse_qsl(urlsplit(left.headers["location"]).query))
    assert {"state", "nonce", "code_challenge"} <= query.keys()
    assert query["redirect_uri"] == f"{ORIGIN}/auth/google/callback"
    assert (back.status_code, back.headers["location"]) == (303, "/protected")
    assert (await client.get("/protected")).status_code == 200


async def test_the_email_of_somebody_else_opens_nothing(client, google):
    """The guide looks the account up by `user_info["email"]`, verified or not."""
    await sign_in(client, google, subject="1", email="ada@example.org")
    client.cookies.clear()
    for verified in (True, False):
        _, back = await sign_in(
            client, google, subject="2", email="ada@example.org", email_verified=verified
        )
        assert back.status_code == (409 if verified else 403)
        assert (await client.get("/protected")).status_code == 401
