"""The ready server and a real OpenID provider, which is another's work, over real sockets."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from tests.console.conftest import EASY, House
from tests.oauth.provider import SECRET
from zenith.kernel.keys import Secret
from zenith.oauth import Directory, OpenIDConnect, ProviderError
from zenith.oauth.http_client import ProviderHttp
from zenith.outbound import OutboundSettings
from zenith.settings import Settings

API = {"accept": "application/json"}


@pytest.fixture(scope="module")
def open_real(real_provider, tmp_path_factory):
    houses = []

    def build(client_id, **variables):
        given = {
            "ZENITH_HOME": str(tmp_path_factory.mktemp("home")),
            "ZENITH_OAUTH__OIDC__ISSUER": real_provider,
            "ZENITH_OAUTH__OIDC__CLIENT_ID": client_id,
            "ZENITH_OAUTH__OIDC__CLIENT_SECRET": SECRET,
            **EASY,
            **variables,
        }
        houses.append(House(Settings.from_env(given, dotenv=None)))
        return houses[-1]

    yield build
    for house in houses:
        house.transport.end()


@pytest.fixture(scope="module")
def house(open_real):
    return open_real("zenith")


def visit(url, email="ada@example.org", **fields):
    """The person allows it on the provider's page; what the browser brings back."""
    assert httpx.get(url).status_code == 200
    form = {"email": email, "answer": "allow", **fields}
    location = httpx.post(url, data=form).headers["location"]
    assert urlsplit(location).path == "/auth/oidc/callback"
    return dict(parse_qsl(urlsplit(location).query))


def leave(visitor):
    return visitor.client.get("/auth/oidc").headers["location"]


def me(visitor):
    return visitor.client.get("/auth/me", headers=API).json()


@pytest.mark.parametrize("client_id", ["zenith", "zenith-es"])
def test_there_and_back_by_rs256_and_es256(open_real, house, client_id):
    house = house if client_id == "zenith" else open_real(client_id)
    visitor = house.visitor()
    back = visitor.client.get("/auth/oidc/callback", params=visit(leave(visitor)))
    assert (back.status_code, back.headers["location"]) == (303, "/account/")
    assert (me(visitor)["email"], me(visitor)["name"]) == ("ada@example.org", "Ada")


def test_who_declines_reads_a_page(house):
    visitor = house.visitor()
    answer = visit(leave(visitor), answer="deny")
    assert answer["error"] == "access_denied"
    back = visitor.client.get("/auth/oidc/callback", params=answer)
    assert back.status_code == 403
    assert "You may try again" in back.text


def test_an_unverified_email_makes_no_account(house):
    visitor = house.visitor()
    answer = visit(leave(visitor), email="eve@example.org", unverified="1")
    assert visitor.client.get("/auth/oidc/callback", params=answer).status_code == 403


def test_a_code_counts_once_at_the_provider_too(house):
    """The attacker has the whole answer and a browser of its own: PKCE and state stop it."""
    victim, attacker = house.visitor(), house.visitor()
    stolen = visit(leave(victim), email="victim@example.org")
    own = visit(leave(attacker), email="attacker@example.org")
    mixed = {**own, "code": stolen["code"]}
    assert attacker.client.get("/auth/oidc/callback", params=mixed).status_code == 502
    assert attacker.client.get("/auth/me", headers=API).status_code == 401


def test_new_keys_of_the_provider_are_found(house, real_provider):
    visitor = house.visitor()
    visitor.client.get("/auth/oidc/callback", params=visit(leave(visitor)))
    answer = visit(leave(visitor))
    assert httpx.post(f"{real_provider}/rotate").status_code == 200
    # Asked for a moment ago: invented key ids cause no flood, so new keys wait half a minute.
    assert visitor.client.get("/auth/oidc/callback", params=answer).status_code == 502
    kept = house.app.assembly.oauth.flow._directory._keys["oidc"]
    kept._asked -= 31
    back = visitor.client.get("/auth/oidc/callback", params=visit(leave(visitor)))
    assert back.status_code == 303


async def test_an_issuer_that_differs_by_a_slash_is_refused(real_provider):
    for issuer in (f"{real_provider}/", "http://localhost:9"):
        settings = OpenIDConnect(issuer=issuer, client_id="zenith", client_secret=Secret(SECRET))
        http = ProviderHttp(timeout=5, outbound=OutboundSettings().knowing(issuer))
        with pytest.raises(ProviderError):
            await Directory(http).endpoints(settings.provider())
