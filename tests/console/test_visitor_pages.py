"""Registering and signing in."""

from __future__ import annotations

import pytest

from tests.console.visitor import PASSWORD, errors

PAGES = ["/", "/account/sign-in", "/account/register"]


@pytest.mark.parametrize("path", PAGES)
def test_head_answers_like_get(anybody, path):
    seen, asked = anybody.get(path), anybody.client.head(path)
    assert asked.status_code == 200
    assert asked.content == b""
    assert asked.headers["content-type"] == seen.headers["content-type"]


def test_the_welcome_leads_in(anybody, member, house):
    page = anybody.get("/").text
    assert 'href="/account/register"' in page
    assert 'href="/docs"' in page
    assert member.get("/", follow_redirects=False).headers["location"] == "/account/"


def test_registering(house, anybody):
    answer = anybody.register("new@example.org", name="  New  ")
    assert answer.headers["location"] == "/account/sign-in?notice=registered-mail"
    account = house.run(house.accounts.store.by_email("new@example.org"))
    assert (account.name, account.roles) == ("New", ("user",))
    # Nobody is told that the address is taken.
    again = anybody.register("NEW@example.org", "quite another phrase")
    assert (again.status_code, again.headers["location"]) == (303, answer.headers["location"])
    assert anybody.sign_in("new@example.org", "quite another phrase").status_code == 401
    assert anybody.sign_in("New@Example.org").status_code == 303


def test_mistakes_are_explained_and_kept(anybody):
    answer = anybody.register("bad@example.org", "short", "Ann")
    assert answer.status_code == 422
    assert "at least 15 characters" in errors(answer)
    assert "<title>Error: Create an account" in answer.text
    assert 'value="bad@example.org"' in answer.text
    assert 'value="Ann"' in answer.text
    assert "short" not in answer.text


def test_closed_registration(open_house):
    visitor = open_house(ZENITH_ACCOUNTS__OPEN_REGISTRATION="false").visitor()
    page = visitor.get("/account/register")
    assert "Registration is closed" in page.text
    assert 'id="password"' not in page.text
    assert 'href="/account/register"' not in visitor.get("/").text
    assert 'href="/account/register"' not in visitor.get("/account/sign-in").text
    answer = visitor.send("/account/register", {"email": "a@example.org", "password": PASSWORD})
    assert answer.status_code == 403


def test_a_session_is_always_new(house):
    visitor = house.visitor().join("fixed@example.org")
    before = visitor.client.cookies["zenith-session"]
    visitor.sign_in("fixed@example.org")
    after = visitor.client.cookies["zenith-session"]
    assert before != after
    thief = house.visitor()
    thief.client.cookies.set("zenith-session", before)
    assert thief.get("/account/", follow_redirects=False).status_code == 303
    # A session of the visitor's own choice is none.
    planted = house.visitor()
    planted.client.headers["Cookie"] = f"zenith-session={'a' * 43}"
    answer = planted.client.post(
        "/account/sign-in",
        data={"email": "fixed@example.org", "password": PASSWORD, "csrf_token": planted.token()},
    )
    assert "a" * 43 not in answer.headers.get("set-cookie", "")
    assert planted.get("/account/", follow_redirects=False).status_code == 303


def test_who_is_signed_in_is_told_so(member):
    page = member.get("/account/sign-in?next=/account/password").text
    assert 'You are signed in. <a href="/account/password">Go on</a>' in page


def test_too_many_attempts(open_house):
    house = open_house(ZENITH_ACCOUNTS__SIGN_IN_LIMIT="3/minute")
    visitor = house.visitor()
    visitor.register("often@example.org")
    for _ in range(3):
        answer = visitor.sign_in("often@example.org", "not the password")
        assert answer.status_code == 401
    refused = visitor.sign_in("often@example.org")
    assert refused.status_code == 429
    assert "Too many attempts. Wait " in errors(refused)
    assert 'value="often@example.org"' in refused.text
    assert 0 < int(refused.headers["retry-after"]) <= 120
    assert refused.headers["content-type"].startswith("text/html")


def test_too_many_registrations(open_house):
    visitor = open_house(ZENITH_ACCOUNTS__REGISTER_LIMIT="2/minute").visitor()
    answers = [visitor.register(f"n{i}@example.org") for i in range(3)]
    assert [answer.status_code for answer in answers] == [303, 303, 429]
    assert "Too many attempts" in errors(answers[2])


def test_production_shows_no_api_documentation(open_house):
    house = open_house(
        ZENITH_ENV="production",
        ZENITH_ORIGIN="https://app.example.org",
        ZENITH_SECRET_KEY="R4nd0m-k3y-f0r-th3-t3sts-0nly-abcdefghijklmnop",
        ZENITH_PASSWORDS__PROFILE="owasp",
    )
    visitor = house.visitor()
    assert visitor.get("/").status_code == 200
    assert "/docs" not in visitor.get("/").text
    assert visitor.get("/docs").status_code == 404
    assert visitor.get("/openapi.json").status_code == 404
