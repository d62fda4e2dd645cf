"""Another site posts the console's forms with the victim's cookies: to sign the victim in under the
attacker's account, out of the own one, to lock accounts or to change the password (ASVS 3.5.1).
Every changing address needs a token of the same session, and the own origin.
"""

from __future__ import annotations

import pytest

from tests.console.conftest import house, member, open_house
from tests.console.visitor import PASSWORD

REPORT_PATH = "/browser-reports"
"""Browsers send there by themselves; see test_headers_reports.py."""
__all__ = ["house", "member", "open_house"]

CHANGES = [
    "/account/sign-in",
    "/account/register",
    "/account/password",
    "/account/sign-out",
    "/account/sign-out-everywhere",
    "/account/sessions/end-others",
    "/account/sessions/x/end",
    "/admin/accounts/x/lock",
    "/admin/accounts/x/unlock",
    "/setup",
]
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:8000.evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Referer": "https://evil.example/"},
]


def test_no_change_is_missing_here(house):
    changing = {
        route.path
        for route in house.app.routes
        if "POST" in (getattr(route, "methods", None) or ()) and not route.path.startswith("/auth")
    } - {REPORT_PATH}
    named = {
        path.replace("/sessions/x", "/sessions/{session_id}").replace(
            "/accounts/x", "/accounts/{account_id}"
        )
        for path in CHANGES
    }
    assert changing <= named


@pytest.mark.parametrize("path", CHANGES)
def test_without_a_token(member, path):
    answer = member.client.post(path, data={"email": "a@example.org"})
    assert answer.status_code == 403
    assert "The form was not accepted" in answer.text
    assert "reload the page" in answer.text
    assert "CSRF" not in answer.text


@pytest.mark.parametrize("path", CHANGES)
def test_with_a_wrong_token(member, path):
    good = member.token("/account/")
    broken = ("A" if good[0] != "A" else "B") + good[1:]
    for token in ("", "x", good[:-2], broken, good[::-1], "\x00", "é" * 40):
        answer = member.client.post(path, data={"csrf_token": token})
        assert answer.status_code == 403, token


@pytest.mark.parametrize("path", CHANGES)
def test_with_a_token_of_another_session(house, member, path):
    other = house.visitor().join(f"other{CHANGES.index(path)}@example.org")
    for foreign in (other.token("/account/"), house.visitor().token()):
        answer = member.client.post(path, data={"csrf_token": foreign})
        assert answer.status_code == 403


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("path", CHANGES)
def test_from_another_site_even_with_a_good_token(house, member, path, headers):
    for visitor in (member, house.visitor()):
        fields = {"csrf_token": visitor.token()}
        assert visitor.client.post(path, data=fields, headers=headers).status_code == 403


def test_the_token_of_before_the_sign_in_is_worth_nothing_after_it(house):
    visitor = house.visitor()
    visitor.register("before@example.org")
    token = visitor.token()
    visitor.sign_in("before@example.org")
    answer = visitor.client.post("/account/sign-out", data={"csrf_token": token})
    assert answer.status_code == 403
    assert visitor.get("/account/", follow_redirects=False).status_code == 200


def test_nothing_changes_by_looking(member):
    for path in CHANGES:
        answer = member.client.get(path, follow_redirects=False)
        assert answer.status_code in (200, 303, 403, 404, 405), path
    assert member.get("/account/", follow_redirects=False).status_code == 200
    assert member.sign_in(member.email, PASSWORD).status_code == 303
