"""Pages of second factors, read and sent as a browser without scripts does."""

from __future__ import annotations

import re

import pytest

from tests.console.visitor import errors
from tests.mfa.people import code_for

SECRET = re.compile(r'<p class="secret">([A-Z2-7]+)</p>')
TICKET = re.compile(r'name="ticket" value="([^"]+)"')
CODES = re.compile(r'<li class="secret">([^<]+)</li>')
APP = "/account/factors/app"
FACTOR = "/sign-in/factor"


@pytest.fixture
def member(house, request):
    visitor = house.visitor()
    visitor.email = f"{request.node.name.replace('[', '-').replace(']', '')}@example.org"
    return visitor.join(visitor.email)


def add_app(visitor):
    """Its secret, and the recovery codes that were shown."""
    page = visitor.get(APP).text
    assert '<svg xmlns="http://www.w3.org/2000/svg"' in page
    secret, ticket = SECRET.search(page).group(1), TICKET.search(page).group(1)
    answer = visitor.send(APP, {"ticket": ticket, "code": code_for(secret)}, form=APP)
    assert answer.status_code == 200, errors(answer)
    codes = CODES.findall(answer.text)
    assert len(codes) == 10
    return secret, codes


def finish(visitor, factor, proof, **more):
    fields = {"factor": factor, "proof": proof, **more}
    return visitor.send(FACTOR, fields, form=FACTOR)


def begin(visitor, email):
    answer = visitor.sign_in(email, next="/account/password")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{FACTOR}?next=%2Faccount%2Fpassword"
    return visitor


def test_an_app_is_added_with_its_first_code(member):
    page = member.get(APP).text
    ticket = TICKET.search(page).group(1)
    wrong = member.send(APP, {"ticket": ticket, "code": "000000"}, form=APP)
    assert wrong.status_code == 422
    assert "That code is wrong" in errors(wrong)
    secret = SECRET.search(page).group(1)
    assert secret in wrong.text, "the same secret is shown again"
    add_app(member)
    overview = member.get("/account/factors").text
    assert "10 of 10 left" in overview
    assert "Add an authenticator app" not in overview
    assert member.get(APP, follow_redirects=False).status_code == 409
    forged = member.send(APP, {"ticket": "v1.x", "code": "000000"}, form="/account/factors")
    assert forged.headers["location"] == APP


def test_the_second_step_signs_in(house, member):
    secret, codes = add_app(member)
    visitor = begin(house.visitor(), member.email)
    assert visitor.get("/account/", follow_redirects=False).status_code == 303
    wrong = finish(visitor, "totp", "000000")
    assert "That is not valid" in errors(wrong)
    answer = finish(visitor, "totp", code_for(secret, steps=1), next="/account/password")
    assert answer.headers["location"] == "/account/password"
    assert visitor.get("/account/").status_code == 200
    other = begin(house.visitor(), member.email)
    assert finish(other, "recovery_code", codes[0]).status_code == 303
    assert "9 of 10 left" in other.get("/account/factors").text


def test_the_choice_to_be_remembered_outlives_the_second_step(house, member):
    secret, _ = add_app(member)
    visitor = house.visitor()
    led = visitor.sign_in(member.email, remember="1").headers["location"]
    assert led == f"{FACTOR}?next=%2Faccount%2F&remember=1"
    assert 'name="remember" value="1"' in visitor.get(led).text
    wrong = finish(visitor, "totp", "000000", remember="1")
    assert 'name="remember" value="1"' in wrong.text
    answer = finish(visitor, "totp", code_for(secret, steps=1), remember="1")
    assert "Max-Age=2592000" in answer.headers["set-cookie"]


def test_a_trusted_device_is_not_asked_again(house, member):
    secret, _ = add_app(member)
    visitor = begin(house.visitor(), member.email)
    answer = finish(visitor, "totp", code_for(secret, steps=1), trust="yes")
    cookies = answer.headers.get_list("set-cookie")
    (cookie,) = [each for each in cookies if each.startswith("zenith-trusted=")]
    assert "HttpOnly; SameSite=Lax" in cookie
    assert "Max-Age=2592000" in cookie
    assert visitor.sign_in(member.email).headers["location"] == "/account/"
    page = visitor.get("/account/factors").text
    end = re.search(r"/account/factors/devices/[0-9a-f]+/end", page).group(0)
    assert visitor.send(end, form="/account/factors").status_code == 303
    assert visitor.sign_in(member.email).headers["location"].startswith(FACTOR)


def test_too_many_tries_begin_again(house, member):
    add_app(member)
    visitor = begin(house.visitor(), member.email)
    answers = [finish(visitor, "totp", "000000").status_code for _ in range(4)]
    assert answers == [422, 422, 422, 422]
    fields = {"factor": "totp", "proof": "000000", "csrf_token": visitor.token(FACTOR)}
    options = {"data": fields, "follow_redirects": False}
    assert visitor.client.post(FACTOR, **options).status_code == 422
    again = visitor.client.post(FACTOR, **options)
    assert again.headers["location"].startswith("/account/sign-in?")
    assert "notice=sign-in-again" in again.headers["location"]
    assert visitor.get(FACTOR, follow_redirects=False).status_code == 303


def test_changes_need_a_recent_proof(house, member):
    secret, _ = add_app(member)
    visitor = begin(house.visitor(), member.email)
    finish(visitor, "totp", code_for(secret, steps=1), trust="yes")
    visitor.sign_in(member.email)  # on the trusted device, with the password alone
    for path in (f"{APP}/remove", "/account/factors/recovery-codes"):
        answer = visitor.send(path, form="/account/factors")
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/account/confirm?factor=totp+recovery_code")
    answer = visitor.get("/account/factors/passkeys/new", follow_redirects=False)
    assert answer.headers["location"].startswith("/account/confirm?")


def test_codes_are_made_anew_and_the_app_removed(member):
    _, codes = add_app(member)
    answer = member.send("/account/factors/recovery-codes", form="/account/factors")
    assert not set(codes) & set(CODES.findall(answer.text))
    answer = member.send(f"{APP}/remove", form="/account/factors")
    assert answer.headers["location"] == "/account/factors?notice=factor-removed"
    assert "Recovery codes" not in member.get("/account/factors").text
    assert member.sign_in(member.email).headers["location"] == "/account/"


def test_an_administrator_resets_a_member(house, member):
    add_app(member)
    account = house.run(house.accounts.store.by_email(member.email))
    path = f"/admin/accounts/{account.id}/reset-factors"
    fields = {"search": "x"}
    answer = house.ada.send(path, fields, form="/admin/accounts")
    assert answer.headers["location"] == "/admin/accounts?search=x&notice=factors-reset"
    answer = house.ada.send(path, form="/admin/accounts")
    assert answer.headers["location"] == "/admin/accounts?notice=no-factors"
    assert member.sign_in(member.email).headers["location"] == "/account/"
    assert member.send(path, form="/account/").status_code == 403


def test_a_passkey_that_nobody_knows_is_refused(house):
    visitor = house.visitor()
    fields = {"credential": "{}", "next": "/account/password"}
    answer = visitor.send("/account/sign-in/passkey", fields)
    location = answer.headers["location"]
    assert location == "/account/sign-in?next=%2Faccount%2Fpassword&notice=passkey-refused"


def test_the_challenge_stays_in_its_browser(https_house, house, member):
    add_app(member)
    visitor = house.visitor()
    (cookie,) = [
        each
        for each in visitor.sign_in(member.email).headers.get_list("set-cookie")
        if each.startswith("zenith-factor=")
    ]
    assert "HttpOnly; SameSite=Lax" in cookie
    stranger = house.visitor()
    answer = stranger.get(FACTOR, follow_redirects=False)
    assert answer.headers["location"].startswith("/account/sign-in?")
    page = https_house.visitor().get("/account/sign-in")
    (handle,) = [
        each
        for each in page.headers.get_list("set-cookie")
        if each.startswith("__Host-zenith-passkey=")
    ]
    assert handle.endswith("; HttpOnly; SameSite=Lax; Secure")


def test_a_server_without_second_factors(open_house):
    house = open_house(ZENITH_MFA="off")
    visitor = house.visitor().join("grace@example.org")
    assert "/account/factors" not in visitor.get("/account/").text
    assert visitor.get("/account/factors").status_code == 404
    assert "passkeys.js" not in house.visitor().get("/account/sign-in").text


def test_a_role_that_demands_a_second_factor(open_house):
    house = open_house(ZENITH_MFA__REQUIRED_ROLES="user")
    visitor = house.visitor().join("grace@example.org")
    for path in ("/account/", "/account/password", "/account/sessions", "/nowhere"):
        answer = visitor.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/account/factors")
    page = visitor.get("/account/factors").text
    assert "Your role demands a second factor" in page
    denied = visitor.get("/account/", headers={"Accept": "application/json"})
    assert (denied.status_code, denied.json()["code"]) == (403, "factor_enrolment_required")
    changed = visitor.send("/account/sessions/end-others", form="/account/factors")
    assert changed.status_code == 403
    secret, _ = add_app(visitor)
    assert visitor.get("/account/").status_code == 200
    other = begin(house.visitor(), "grace@example.org")
    finish(other, "totp", code_for(secret, steps=1))
    assert other.get("/account/").status_code == 200
    fields = {"csrf_token": visitor.token("/account/")}
    assert visitor.client.post("/account/sign-out", data=fields).status_code in (200, 303)


def test_a_remembered_device_stays_so_when_a_factor_is_added(house, member):
    """Its session lasts for thirty days, and so must the cookie that follows the first one."""
    visitor = house.visitor()
    assert visitor.sign_in(member.email, remember="1").status_code == 303
    page = visitor.get(APP).text
    secret, ticket = SECRET.search(page).group(1), TICKET.search(page).group(1)
    answer = visitor.send(APP, {"ticket": ticket, "code": code_for(secret)}, form=APP)
    cookies = answer.headers.get_list("set-cookie")
    (session,) = [each for each in cookies if each.startswith("zenith-session=")]
    assert "Max-Age=2592000" in session
    assert any(each.startswith("zenith-device=") for each in cookies)
