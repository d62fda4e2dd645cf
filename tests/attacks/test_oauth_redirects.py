"""Attack: use the way to a provider and back to lead people elsewhere, to sign them in to a foreign
account, or to link a foreign identity to theirs (RFC 9700 sections 4.7, 4.11; ASVS 3.7.2)."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette

from tests.oauth.conftest import open_site, shared_site, site  # noqa: F401
from zenith import SecurityMiddleware
from zenith.kernel.keys import Secret
from zenith.oauth import Apple, FormAnswerGuard

API = {"accept": "application/json"}
APPLE = {
    "client_id": "the-client",
    "team_id": "TEAM",
    "key_id": "KEY",
    "private_key": Secret("never used"),
}
FORM = {"content-type": "application/x-www-form-urlencoded"}
FOREIGN = {"origin": "https://appleid.apple.com", "sec-fetch-site": "cross-site"}


@pytest.fixture
def who(request):
    name = f"r{abs(hash(request.node.nodeid))}"
    return {"subject": name, "email": f"{name}@example.org"}


def me(visitor):
    return visitor.client.get("/auth/me", headers=API)


def submit(visitor, path):
    return visitor.send(path, form="/account/identities")


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example.org/",
        "//evil.example.org",
        "/\\evil.example.org",
        "\\\\evil.example.org",
        "/\t/evil.example.org",
        "/%0d%0aSet-Cookie: a=b\r\n",
        "javascript:alert(1)",
        "evil.example.org",
        "/ä",
        "/" + "x" * 3000,
        "",
    ],
)
def test_nobody_is_led_to_another_site(site, who, wanted):  # noqa: F811
    back = site.travel(site.visitor(), query={"next": wanted}, **who)
    assert (back.status_code, back.headers["location"]) == (303, "/account/")


@pytest.mark.parametrize("path", ["/auth/oidc?next=/x&next=//evil.example.org", "/auth/oidc"])
def test_the_provider_sends_people_back_to_the_origin_that_is_set(site, path):  # noqa: F811
    answer = site.visitor().client.get(path, headers={"host": "localhost:8000"})
    query = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    assert query["redirect_uri"] == "http://localhost:8000/auth/oidc/callback"


def test_a_parameter_that_comes_twice_is_refused(site, who):  # noqa: F811
    visitor = site.visitor()
    fields = site.provider.visit(site.leave(visitor), **who)
    twice = [*fields.items(), ("code", "another")]
    assert visitor.client.get("/auth/oidc/callback", params=twice).status_code == 400
    assert visitor.client.get("/auth/oidc/callback", params=fields).status_code == 303


def test_an_answer_in_a_browser_that_never_left(site, who):  # noqa: F811
    """Login CSRF: the attacker's own answer in a link."""
    fields = site.provider.visit(site.leave(site.visitor()), **who)
    victim = site.visitor()
    answer = victim.client.get("/auth/oidc/callback", params=fields)
    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers
    assert me(victim).status_code == 401


def test_linking_needs_the_forms_token(site, who):  # noqa: F811
    visitor = site.visitor().join(who["email"])
    for path in ("/account/identities/oidc/link", "/account/identities/oidc/confirm"):
        assert visitor.client.post(path).status_code == 403
    assert visitor.client.get("/account/identities/oidc/link").status_code == 405


def test_an_answer_meant_to_link_links_in_the_browser_that_left_alone(site, who):  # noqa: F811
    """The attacker begins to link its own identity and lets the victim's browser finish."""
    attacker = site.visitor().join(who["email"])
    page = submit(attacker, "/account/identities/oidc/link")
    url = page.headers["refresh"].partition("url=")[2]
    fields = site.provider.visit(url, subject="attacker", email="attacker@example.org")
    victim = site.visitor().join(f"victim-{who['email']}")
    assert victim.client.get("/auth/oidc/callback", params=fields).status_code == 400
    assert "attacker@example.org" not in victim.get("/account/identities").text


@pytest.mark.parametrize("change", ["sign-out", "another"])
def test_who_signs_out_or_becomes_another_on_the_way_links_nothing(site, who, change):  # noqa: F811
    visitor = site.visitor().join(who["email"])
    page = submit(visitor, "/account/identities/oidc/link")
    url = page.headers["refresh"].partition("url=")[2]
    fields = site.provider.visit(url, subject=who["subject"], email="x@example.org")
    if change == "sign-out":
        assert visitor.send("/account/sign-out", form="/account/").status_code == 303
    else:
        # The first session lives on: the other one began beside it, in this very browser.
        visitor.client.cookies.delete("zenith-session")
        visitor.join(f"other-{who['email']}")
    answer = visitor.client.get("/auth/oidc/callback", params=fields, headers=API)
    assert answer.status_code == (401 if change == "sign-out" else 400)


@pytest.fixture(scope="session")
def apple_site(open_site):  # noqa: F811
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return open_site(
        ZENITH_OAUTH__APPLE__CLIENT_ID="the-client",
        ZENITH_OAUTH__APPLE__TEAM_ID="TEAM",
        ZENITH_OAUTH__APPLE__KEY_ID="KEY",
        ZENITH_OAUTH__APPLE__PRIVATE_KEY=key.decode(),
    )


@pytest.fixture
def apple(apple_site):
    apple_site.provider.reset()
    apple_site.provider.metadata = {
        "issuer": "https://appleid.apple.com",
        "authorization_response_iss_parameter_supported": None,
    }
    apple_site.provider.claims = {"iss": "https://appleid.apple.com"}
    return apple_site


def test_a_form_of_apples_is_led_to_an_address_of_ours(apple, who):
    visitor = apple.visitor()
    fields = apple.provider.visit(apple.leave(visitor, "/auth/apple"), **who)
    del fields["iss"]
    cookies = dict(visitor.client.cookies)
    visitor.client.cookies.clear()
    form = {**fields, "user": '{"name": {}}', "evil": "1"}
    led = visitor.client.post("/auth/apple/callback", data=form, headers=FOREIGN)
    assert led.status_code == 303
    location = led.headers["location"]
    assert location.startswith("/auth/apple/callback?")
    assert dict(parse_qsl(urlsplit(location).query)) == fields
    # The browser goes on by itself, and now sends its Lax cookies.
    visitor.client.cookies.update(cookies)
    back = visitor.client.get(location)
    assert (back.status_code, back.headers["location"]) == (303, "/account/")
    assert me(visitor).json()["email"] == who["email"]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"{}", {"content-type": "application/json"}),
        (b"x=1", {"content-type": "text/plain"}),
        (b"state=" + b"x" * 20_000, FORM),
        (b"a=1&" * 30, FORM),
        (b"state=\xff", FORM),
        (b"state=%ff", FORM),
    ],
)
def test_a_form_that_is_none_is_refused(apple, body, headers):
    answer = apple.visitor().client.post(
        "/auth/apple/callback", content=body, headers={**headers, **FOREIGN}
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/auth/oidc/callback", "/auth/logout", "/account/sign-in"])
def test_no_other_form_of_another_site_comes_in(apple, path):
    answer = apple.visitor().client.post(path, data={"state": "x"}, headers=FOREIGN)
    assert answer.status_code == 403


def test_a_forms_fields_cannot_leave_the_address(apple):
    form = {"state": "x\r\nSet-Cookie: a=b", "code": "//evil.example.org#&evil=1"}
    led = apple.visitor().client.post("/auth/apple/callback", data=form, headers=FOREIGN)
    parts = urlsplit(led.headers["location"])
    assert (parts.netloc, parts.path, parts.fragment) == ("", "/auth/apple/callback", "")
    assert dict(parse_qsl(parts.query)) == form
    assert "a" not in led.cookies


@pytest.mark.parametrize("path", ["//evil.example.org/apple/callback", "///x/apple/callback"])
async def test_a_form_to_a_path_that_names_a_host_is_led_nowhere(path):
    """The guard by itself, on an application that refuses no such path."""
    guard = FormAnswerGuard([Apple(**APPLE).provider()])
    app = SecurityMiddleware(Starlette(), guards=[guard])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        url = httpx.URL("http://localhost:8000").copy_with(raw_path=path.encode())
        answer = await client.post(url, data={"state": "x"})
    assert (answer.status_code, answer.headers.get("location")) == (400, None)
