"""Cookies and caches: what pages leave behind in browsers."""

from __future__ import annotations

import pytest

from tests.console.visitor import PASSWORD
from zenith.console.static import asset

SAFE = {"Path=/", "HttpOnly", "SameSite=Lax"}


def cookies(answer):
    """Name: attributes."""
    found = {}
    for line in answer.headers.get_list("set-cookie"):
        pair, *attributes = line.split("; ")
        found[pair.split("=")[0]] = {part for part in attributes if "Max-Age" not in part}
    return found


def test_over_http_they_are_as_safe_as_http_allows(house):
    visitor = house.visitor()
    visitor.register("cookies@example.org")
    assert cookies(visitor.sign_in("cookies@example.org")) == {
        "zenith-session": SAFE,
        "zenith-device": SAFE,
    }


def test_over_https_they_stay_on_this_host(https_house):
    visitor = https_house.visitor()
    link = https_house.setup_link()
    strict = SAFE | {"Secure"}
    assert cookies(visitor.get(link))["__Host-zenith-setup"] == strict
    visitor.register("cookies@example.org")
    page = visitor.get("/account/sign-in")
    assert all(found == strict for found in cookies(page).values())
    assert cookies(visitor.sign_in("cookies@example.org")) == {
        "__Host-zenith-session": strict,
        "__Host-zenith-device": strict,
    }
    assert visitor.get("/account/").status_code == 200
    out = visitor.send("/account/sign-out", form="/account/")
    assert cookies(out) == {"__Host-zenith-session": strict}
    assert "__Host-zenith-session=;" in out.headers["set-cookie"]


@pytest.mark.parametrize(
    "path", ["/account/", "/account/password", "/account/sign-in", "/account/register", "/nowhere"]
)
def test_personal_pages_are_not_kept(member, path):
    assert member.get(path).headers["cache-control"] == "no-store"


def test_forms_that_hold_an_email_are_not_kept(anybody):
    answer = anybody.sign_in("somebody@example.org", "not the password")
    assert answer.status_code == 401
    assert answer.headers["cache-control"] == "no-store"
    assert 'value="somebody@example.org"' in answer.text
    assert "not the password" not in answer.text


def test_no_id_is_in_an_address(house):
    visitor = house.visitor()
    visitor.register("address@example.org")
    secret = visitor.sign_in("address@example.org").headers["set-cookie"].split("=")[1][:20]
    page = visitor.get("/account/")
    assert secret not in page.text
    assert secret not in str(page.url)


@pytest.mark.parametrize("path", ["/account/sign-out", "/account/sign-out-everywhere"])
def test_signing_out_clears_what_the_site_left(https_house, member, path):
    visitor = https_house.visitor().join(f"leaving{len(path)}@example.org")
    answer = visitor.send(path, form="/account/")
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    answer = member.send(path, form="/account/")
    # Over plain http browsers ignore it, and complain.
    assert "clear-site-data" not in answer.headers
    assert member.get("/account/", follow_redirects=False).status_code == 303
    assert PASSWORD not in answer.text


def test_assets_set_none(anybody):
    assert "set-cookie" not in anybody.get(asset("console.css")).headers
