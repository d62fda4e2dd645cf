"""Signing out here leads on to the provider; the provider ends what began there."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.oauth.fake import CLIENT, ISSUER
from tests.oauth.logouts import order
from tests.oauth.test_routes import VERIFIER
from zenith.oauth import OAuthSettings, OpenIDConnect
from zenith.oauth.authorization import challenge_of

API = {"accept": "application/json"}
VARIABLES = {
    "ZENITH_OAUTH__OIDC__END_SESSION": "true",
    "ZENITH_OAUTH__OIDC__BACK_CHANNEL_LOGOUT": "true",
}


@pytest.fixture(scope="module")
def both(open_site):
    """A server whose sign-ins end with those at the provider."""
    return open_site(**VARIABLES)


@pytest.fixture
def site(both):
    both.provider.reset()
    both.provider.metadata["end_session_endpoint"] = f"{ISSUER}/end?x=1"
    return both


@pytest.fixture
def who(request):
    name = f"p{abs(hash(request.node.nodeid))}"
    return {"subject": name, "email": f"{name}@example.org"}


def me(visitor):
    return visitor.client.get("/auth/me", headers=API).status_code


def program(visitor):
    headers = {**API, "x-csrf-token": visitor.token("/account/")}
    return visitor.client.post("/auth/oauth/logout", headers=headers)


def sent(site, token):
    path = "/auth/oidc/back-channel-logout"
    return site.visitor().client.post(path, data={"logout_token": token}, headers=API)


def arrived(site, who, **claims):
    visitor = site.visitor()
    site.travel(visitor, **who, **claims)
    assert me(visitor) == 200
    return visitor


def test_a_program_is_told_where_to_go(site, who):
    visitor = arrived(site, who)
    answer = program(visitor)
    assert me(visitor) == 401
    url = urlsplit(answer.json()["end_session_url"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{ISSUER}/end"
    fields = {name: value for name, (value,) in parse_qs(url.query).items()}
    assert fields.pop("id_token_hint").count(".") == 2
    back = f"{site.base}/auth/oidc/signed-out"
    assert fields == {"x": "1", "client_id": CLIENT, "post_logout_redirect_uri": back}
    home = visitor.client.get("/auth/oidc/signed-out")
    assert (home.status_code, home.headers["location"]) == (303, "/account/")


def test_a_person_is_led_on_by_a_page(site, who):
    visitor = arrived(site, who)
    page = visitor.send("/account/sign-out", form="/account/")
    assert page.status_code == 200
    assert "still signed in" in page.text
    assert page.headers["refresh"].startswith(f"0; url={ISSUER}/end?x=1&")
    assert me(visitor) == 401


@pytest.mark.parametrize("is_away", [False, True])
def test_where_the_provider_has_no_such_place_people_sign_out_here(site, who, is_away):
    endpoints = site.app.assembly.oauth.sign_outs._directory._endpoints
    visitor = arrived(site, who)
    endpoints.clear()
    del site.provider.metadata["end_session_endpoint"]
    if is_away:
        site.provider.answers["/.well-known/openid-configuration"] = httpx.Response(500)
    answer = visitor.send("/account/sign-out", form="/account/")
    endpoints.clear()
    there = "/account/sign-in?notice=signed-out"
    assert (answer.status_code, answer.headers["location"]) == (303, there)
    assert me(visitor) == 401


def test_who_came_in_by_password_is_not_led_on(site):
    answer = program(site.ada)
    assert answer.json() == {"end_session_url": None}


def test_the_provider_ends_one_session_or_all(site, who):
    one, two = arrived(site, who, sid="sid-1"), arrived(site, who, sid="sid-2", auth_time=5)
    stranger = arrived(site, {"subject": "other-" + who["subject"], "email": "o" + who["email"]})
    answer = sent(site, order(site.provider, sub=who["subject"], sid="sid-1"))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["cache-control"] == "no-store"
    assert (me(one), me(two)) == (401, 200)
    three = arrived(site, who, sid="sid-3", auth_time=7)
    assert sent(site, order(site.provider, sid="sid-3", sub=None)).status_code == 200
    assert (me(two), me(three)) == (200, 401)
    assert sent(site, order(site.provider, sub=who["subject"])).status_code == 200
    assert me(two) == 401
    assert me(stranger) == 200
    again = sent(site, order(site.provider, sub=who["subject"]))
    assert again.status_code == 200, "nobody is left, which is what was ordered"


def test_a_code_for_tokens_is_worth_nothing_once_the_provider_has_signed_out(site, who):
    """The provider's order comes between the browser's way back and the program's exchange."""
    visitor = site.visitor()
    query = {"code_challenge": challenge_of(VERIFIER), "next": "/"}
    codes = []
    for sid in ("kept", "ended"):
        back = site.travel(visitor, query=query, sid=sid, auth_time=len(sid), **who)
        codes.append(back.headers["location"].partition("#code=")[2])
    assert sent(site, order(site.provider, sid="ended", sub=None)).status_code == 200
    bodies = [{"code": code, "code_verifier": VERIFIER} for code in codes]
    answers = [visitor.client.post("/auth/oauth/token", json=each, headers=API) for each in bodies]
    assert [each.status_code for each in answers] == [200, 401]


def test_both_are_off_until_they_are_asked_for(shared_site):
    shared_site.provider.reset()
    answer = shared_site.visitor().client.post(
        "/auth/oidc/back-channel-logout", data={"logout_token": "x"}, headers=API
    )
    assert answer.status_code == 404
    assert shared_site.visitor().client.get("/auth/oidc/signed-out").status_code == 404


def test_settings_reach_the_provider():
    given = {"issuer": ISSUER, "client_id": "c", "client_authentication": "none"}
    (plain,) = OAuthSettings(oidc=OpenIDConnect(**given)).providers()
    assert not plain.ends_sessions
    ending = OpenIDConnect(**given, back_channel_logout=True)
    (found,) = OAuthSettings(oidc=ending).providers()
    assert (found.end_session, found.ends_sessions) == (False, True)
