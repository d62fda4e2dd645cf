"""The whole way through the ready server: sign up, sign in, link, confirm, unlink, tokens."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.accounts.application import events_of
from tests.mfa.people import code_for
from tests.pipeline.asgi import ask, make_scope
from zenith.kernel.events import EventType
from zenith.oauth.authorization import challenge_of

VERIFIER = "v" * 43
API = {"accept": "application/json"}
LINKED = re.compile(r"/account/identities/([0-9a-f]{32})/unlink")


@pytest.fixture
def who(request):
    """Somebody new."""
    name = f"p{abs(hash(request.node.nodeid))}"
    return {"subject": name, "email": f"{name}@example.org"}


def me(visitor):
    return visitor.client.get("/auth/me", headers=API)


def submit(visitor, path, fields=None):
    return visitor.send(path, fields, form="/account/identities")


def tokens(site, visitor, who, verifier=VERIFIER):
    challenge = challenge_of(VERIFIER)
    query = {"code_challenge": challenge, "code_challenge_method": "S256", "next": "/app#x"}
    back = site.travel(visitor, query=query, **who)
    assert back.status_code == 303, back.text
    path, _, code = back.headers["location"].partition("#code=")
    assert path == "/app"
    body = {"code": code, "code_verifier": verifier}
    return visitor.client.post("/auth/oauth/token", json=body, headers=API)


def test_providers_are_listed(site):
    answer = site.visitor().client.get("/auth/providers")
    assert answer.json() == [{"name": "oidc", "label": "Example", "href": "/auth/oidc"}]
    assert "Continue with Example" in site.visitor().get("/account/sign-in").text


def test_behind_a_prefix_of_the_proxy_links_lead_there(site):
    def at(path):
        scope = make_scope("GET", f"/below{path}", root_path="/below")
        return site.transport.run(ask(site.app, scope))

    assert json.loads(at("/auth/providers").body)[0]["href"] == "/below/auth/oidc"
    location = at("/auth/oidc").headers[b"location"].decode()
    back = parse_qs(urlsplit(location).query)["redirect_uri"]
    assert back == [f"{site.base}/below/auth/oidc/callback"]


def test_the_description_says_what_links_carry(site):
    paths = site.app.openapi()["paths"]
    told = {each["name"]: each for each in paths["/auth/oidc"]["get"]["parameters"]}
    assert told.keys() == {"next", "code_challenge", "code_challenge_method"}
    assert not any(each.get("required") for each in told.values())
    back = paths["/auth/oidc/callback"]["get"]
    assert [each["name"] for each in back["parameters"]] == ["state", "code", "error", "iss"]
    assert back["responses"].keys() == {"303", "default"}


def test_who_is_new_gets_an_account_and_a_session(site, who):
    visitor = site.visitor()
    back = site.travel(visitor, query={"next": "/account/?a=b"}, **who)
    assert (back.status_code, back.headers["location"]) == (303, "/account/?a=b")
    assert back.headers["cache-control"] == "no-store"
    names = [each.partition("=")[0] for each in back.headers.get_list("set-cookie")]
    assert names == ["zenith-session", "zenith-device"]
    mine = me(visitor).json()
    assert mine["email"] == who["email"]
    assert list(mine["factors"]) == ["oauth"]


def test_who_is_known_comes_into_the_same_account(site, who):
    first, second = site.visitor(), site.visitor()
    site.travel(first, **who)
    site.travel(second, **who)
    assert me(first).json()["id"] == me(second).json()["id"]


def test_a_browser_that_uses_the_api_is_known_from_then_on(site, who):
    visitor = site.visitor()
    visitor.client.headers["sec-fetch-site"] = "same-origin"
    answer = tokens(site, visitor, who)
    assert answer.headers["set-cookie"].startswith("zenith-device=")
    assert "set-cookie" not in tokens(site, site.visitor(), who).headers


def test_a_new_sign_in_has_a_new_session(site, who):
    visitor = site.visitor()
    site.travel(visitor, **who)
    before = me(visitor).json()["session_id"]
    old = dict(visitor.client.cookies)
    site.travel(visitor, **who)
    assert me(visitor).json()["session_id"] != before
    stranger = site.visitor()
    stranger.client.cookies.update(old)
    assert me(stranger).status_code == 401


def test_two_tabs_both_come_back(site, who):
    visitor = site.visitor()
    first = site.provider.visit(site.leave(visitor), **who)
    second = site.provider.visit(site.leave(visitor), **who)
    for fields in (first, second):
        assert visitor.client.get("/auth/oidc/callback", params=fields).status_code == 303


def test_the_cookie_that_binds_is_short_lived_and_closed(site):
    answer = site.visitor().client.get("/auth/oidc")
    (cookie,) = answer.headers.get_list("set-cookie")
    assert cookie.startswith("zenith-oauth=")
    assert "Max-Age=600; HttpOnly; SameSite=Lax" in cookie


def test_a_program_gets_tokens_for_a_code(site, who):
    visitor = site.visitor()
    answer = tokens(site, visitor, who)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    pair = answer.json()
    assert pair["token_type"] == "bearer"
    program = site.visitor(authorization=f"Bearer {pair['access_token']}")
    assert me(program).json()["email"] == who["email"]
    assert me(visitor).status_code == 401


def test_a_program_without_the_verifier_gets_nothing(site, who):
    answer = tokens(site, site.visitor(), who, verifier="w" * 43)
    assert (answer.status_code, answer.json()["code"]) == (400, "oauth_code")


@pytest.mark.parametrize(
    "query",
    [{"code_challenge": "short"}, {"code_challenge": "v" * 43, "code_challenge_method": "plain"}],
)
def test_a_challenge_must_be_by_s256(site, query):
    assert site.visitor().client.get("/auth/oidc", params=query).status_code == 400


@pytest.mark.parametrize(
    "body",
    [{}, {"code": "c"}, {"code": "c", "code_verifier": "v"}, {"code": 1, "code_verifier": 2}, []],
)
def test_malformed_codes_are_refused(site, body):
    assert site.visitor().client.post("/auth/oauth/token", json=body).status_code == 422


def linked(visitor):
    return LINKED.findall(visitor.get("/account/identities").text)


def follow(site, visitor, page, back="/auth/oidc/callback", **who):
    """From the page that leads on, there and back."""
    assert page.status_code == 200, page.text
    url = page.headers["refresh"].partition("url=")[2]
    fields = site.provider.visit(url, **who)
    return visitor.client.get(back, params=fields)


def test_somebody_with_a_password_links_and_unlinks(site, who):
    visitor = site.visitor().join(who["email"])
    page = submit(visitor, "/account/identities/oidc/link")
    back = follow(site, visitor, page, subject=who["subject"], email="other@example.org")
    assert back.headers["location"] == "/account/identities?notice=identity-linked"
    assert "other@example.org" in visitor.get("/account/identities").text
    again = site.visitor()
    site.travel(again, subject=who["subject"], email="other@example.org")
    assert me(again).json()["email"] == who["email"]
    (identity,) = linked(visitor)
    done = submit(visitor, f"/account/identities/{identity}/unlink")
    assert done.headers["location"] == "/account/identities?notice=identity-unlinked"
    assert linked(visitor) == []
    assert me(again).status_code == 401


def test_the_last_way_in_stays(site, who):
    visitor = site.visitor()
    site.travel(visitor, **who)
    (identity,) = linked(visitor)
    assert "only way in" in visitor.get("/account/identities").text
    answer = submit(visitor, f"/account/identities/{identity}/unlink")
    assert answer.status_code == 409
    assert "set a password first" in answer.text
    assert linked(visitor) == [identity]


def test_an_unknown_provider_or_identity_is_not_found(site, who):
    visitor = site.visitor().join(who["email"])
    for path in ("nobody/link", f"{'0' * 32}/unlink"):
        answer = submit(visitor, f"/account/identities/{path}")
        assert answer.status_code == 404


def test_json_routes_link_confirm_list_and_unlink(site, who):
    program = site.visitor()
    pair = tokens(site, program, who).json()
    program.client.headers["authorization"] = f"Bearer {pair['access_token']}"
    for path in ("/auth/oidc/link", "/auth/oidc/confirm"):
        answer = program.client.post(path, json={"next": "/done"})
        assert answer.status_code == 200, answer.text
        other = {**who, "subject": who["subject"] + ("x" if path.endswith("link") else "")}
        fields = site.provider.visit(answer.json()["authorization_url"], **other)
        back = program.client.get("/auth/oidc/callback", params=fields)
        assert (back.status_code, back.headers["location"]) == (303, "/done")
    mine = program.client.get("/auth/me").json()["id"]
    step_ups = site.transport.run(events_of(site.app, EventType.STEP_UP))
    (told,) = [each for each in step_ups if each.subject == mine]
    assert (told.outcome, told.scheme, told.reason) == ("success", "oauth", "oidc")
    assert told.session_id
    items = program.client.get("/auth/identities").json()
    assert [each["provider"] for each in items] == ["oidc", "oidc"]
    assert program.client.delete(f"/auth/identities/{items[0]['id']}").status_code == 204
    assert program.client.delete(f"/auth/identities/{items[0]['id']}").status_code == 404
    assert program.client.delete(f"/auth/identities/{items[1]['id']}").status_code == 409


def test_confirming_asks_for_a_fresh_proof_and_changes_the_cookie(site, who):
    visitor = site.visitor()
    long_ago = site.provider.clock() - 3600
    site.travel(visitor, auth_time=long_ago, **who)
    assert me(visitor).json()["factors"]["oauth"] == long_ago
    led = submit(visitor, "/account/identities/oidc/link")
    assert led.status_code == 303
    assert urlsplit(led.headers["location"]).path == "/account/confirm"
    assert "Confirm with Example" in visitor.get(led.headers["location"]).text
    page = submit(visitor, "/account/identities/oidc/confirm", {"next": "/ok"})
    url = page.headers["refresh"].partition("url=")[2]
    assert "prompt=login" in url
    assert "max_age=0" in url
    before = dict(visitor.client.cookies)
    back = follow(site, visitor, page, **who)
    assert back.headers["location"] == "/ok"
    assert dict(visitor.client.cookies) != before
    page = submit(visitor, "/account/identities/oidc/link")
    assert page.status_code == 200


def test_confirming_with_an_identity_that_is_not_linked_confirms_nothing(site, who):
    visitor = site.visitor().join(who["email"])
    page = submit(visitor, "/account/identities/oidc/confirm")
    assert follow(site, visitor, page, **who).status_code == 403


def test_a_second_factor_is_due_after_the_provider_too(site, who):
    visitor, program = site.visitor(), site.visitor().client
    bearer = API | {"Authorization": f"Bearer {tokens(site, visitor, who).json()['access_token']}"}
    begun = program.post("/auth/factors/totp", headers=bearer).json()
    proof = {"ticket": begun["ticket"], "code": code_for(begun["secret"])}
    added = program.post("/auth/factors/totp/confirm", json=proof, headers=bearer)
    assert added.status_code == 201
    due = tokens(site, site.visitor(), who).json()
    assert due["factors_due"] == ["totp", "recovery_code"]
    assert "access_token" not in due
    visitor = site.visitor()
    led = site.travel(visitor, query={"next": "/ok"}, **who)
    where = urlsplit(led.headers["location"])
    assert (led.status_code, where.path, where.query) == (303, "/sign-in/factor", "next=%2Fok")
    assert me(visitor).status_code == 401
    proof = {"factor": "recovery_code", "proof": added.json()["recovery_codes"][0]}
    assert visitor.send(where.path, proof, form=where.path).status_code == 303
    assert set(me(visitor).json()["factors"]) == {"oauth", "recovery_code"}


def test_who_must_add_a_factor_confirms_with_the_provider_first(open_site, who):
    """The password that would do instead is one that such an account does not have."""
    site = open_site(ZENITH_MFA__REQUIRED_ROLES="user")
    visitor, app = site.visitor(), "/account/factors/app"
    site.travel(visitor, auth_time=site.provider.clock() - 3600, **who)
    led = visitor.get("/account/password").headers["location"]
    assert led == "/account/factors"
    led = visitor.get(app).headers["location"]
    assert "Confirm with Example" in visitor.get(led).text
    page = visitor.send("/account/identities/oidc/confirm", {"next": app}, form=led)
    assert follow(site, visitor, page, **who).headers["location"] == app
    assert visitor.get(app).status_code == 200
    assert visitor.get("/account/password").headers["location"] == "/account/factors"
    program = site.visitor()
    pair = tokens(site, program, who).json()
    mine = API | {"authorization": f"Bearer {pair['access_token']}"}
    assert program.client.get("/auth/me", headers=mine).status_code == 403
    assert program.client.post("/auth/oauth/logout", headers=mine).status_code == 200, "a way out"
    assert program.client.get("/auth/me", headers=mine).status_code == 401


def test_credentials_that_belong_to_no_sign_in_link_nothing(site, who):
    visitor = site.visitor()
    assert visitor.client.post("/auth/oidc/link", json={}, headers=API).status_code == 401
    assert visitor.client.post("/auth/oidc/confirm", json={}, headers=API).status_code == 401
    assert visitor.client.get("/auth/identities", headers=API).status_code == 401


def test_a_program_reads_a_problem_a_person_a_page(site):
    visitor = site.visitor()
    problem = visitor.client.get("/auth/oidc/callback?state=x", headers=API)
    assert (problem.status_code, problem.json()["code"]) == (400, "oauth_state")
    page = visitor.client.get("/auth/oidc/callback?state=x", headers={"accept": "text/html"})
    assert page.status_code == 400
    assert "Begin again" in page.text


def test_a_provider_that_is_down_is_a_page_with_502(open_site):
    site = open_site()
    site.provider.metadata = {"issuer": "https://evil.example.org"}
    answer = site.visitor().client.get("/auth/oidc", headers={"accept": "text/html"})
    assert answer.status_code == 502
    assert "did not answer as it should" in answer.text


def test_the_paths_of_others_stay_theirs(site):
    assert site.visitor().client.get("/auth/google").status_code == 404


def test_beginning_is_limited(open_site):
    site = open_site(ZENITH_OAUTH__START_LIMIT="2/minute")
    visitor = site.visitor()
    assert [visitor.client.get("/auth/oidc").status_code for _ in range(3)] == [303, 303, 429]
