"""The administrator's page."""

from __future__ import annotations

import pytest

from tests.console.visitor import errors
from zenith.accounts import PAGE, Account, Client, InvalidCredentialsError, canonical_email

FORM = "/admin/accounts"


@pytest.fixture(scope="module")
def crowd(open_house):
    """A server with 120 accounts beside the administrator."""
    house = open_house()
    _ = house.ada
    for number in range(120):
        add(house, f"crowd{number:03}@example.org")
    return house


def add(house, email, roles=("user",)):
    shown, key = canonical_email(email)
    account = Account(
        id=key.replace("@", "-"), email=shown, email_key=key, roles=roles, created_at=1.0
    )
    assert house.run(house.accounts.store.create(account))
    return account.id


def mails(page):
    return [part.split("<")[0] for part in page.text.split('<span class="mail">')[1:]]


def lock(visitor, key, what="lock", **fields):
    return visitor.send(f"{FORM}/{key}/{what}", fields, form="/account/")


def id_of(house, email):
    return house.run(house.accounts.store.by_email(email)).id


def test_pages_follow_each_other(crowd):
    seen, path = [], FORM
    for _ in range(4):
        page = crowd.ada.get(path)
        found = mails(page)
        assert len(found) <= PAGE
        seen += found
        if 'rel="next"' not in page.text:
            break
        path = page.text.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
        path = path.replace("&amp;", "&")
    assert seen == ["ada@example.org", *(f"crowd{number:03}@example.org" for number in range(120))]
    assert 'href="/admin/accounts">First page' in page.text


def test_a_search_keeps_to_its_pages(crowd):
    page = crowd.ada.get(FORM, params={"search": "crowd0"})
    assert len(mails(page)) == 50
    assert "search=crowd0&amp;after=crowd049%40example.org" in page.text
    rest = crowd.ada.get(FORM, params={"search": "crowd0", "after": "crowd049@example.org"})
    assert mails(rest)[0] == "crowd050@example.org"


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("CROWD007", ["crowd007@example.org"]),
        ("  crowd007\u202e\n ", ["crowd007@example.org"]),
        ("%", ["per%cent@example.org"]),
        ("_", ["under_score@example.org"]),
        ("\\", []),
        ("' OR 1=1 --", []),
        ("x" * 5000, []),
    ],
)
def test_searching_is_literal(crowd, search, found):
    for email in ("per%cent@example.org", "under_score@example.org"):
        if crowd.run(crowd.accounts.store.by_email(email)) is None:
            add(crowd, email)
    page = crowd.ada.get(FORM, params={"search": search})
    assert page.status_code == 200
    assert mails(page) == found


def test_nothing_found_is_said(crowd):
    page = crowd.ada.get(FORM, params={"search": "<nobody>"})
    assert "No e-mail address contains “&lt;nobody&gt;”" in page.text
    assert "No more accounts" in crowd.ada.get(FORM, params={"after": "zzzz"}).text


@pytest.mark.parametrize(
    "query", ["after=%0A", "after=%ED%A0%80", "search=%FF%7F", "after=" + "é" * 99]
)
def test_odd_queries(crowd, query):
    assert crowd.ada.get(f"{FORM}?{query}").status_code == 200


def test_lock_and_unlock(house):
    visitor = house.visitor().join("locked@example.org")
    key = id_of(house, "locked@example.org")
    answer = lock(house.ada, key, search="locked", after="a")
    assert answer.headers["location"] == f"{FORM}?search=locked&after=a&notice=locked"
    assert visitor.get("/account/", follow_redirects=False).status_code == 303
    assert house.visitor().sign_in("locked@example.org").status_code == 401
    # Pressed twice, or by two administrators.
    assert "notice=locked" in lock(house.ada, key).headers["location"]
    page = house.ada.get(f"{FORM}?search=locked")
    assert f'action="{FORM}/{key}/unlock"' in page.text
    assert "notice=unlocked" in lock(house.ada, key, "unlock").headers["location"]
    assert "notice=unlocked" in lock(house.ada, key, "unlock").headers["location"]
    assert house.visitor().sign_in("locked@example.org").status_code == 303
    # What was alive before the lock stays dead.
    assert visitor.get("/account/", follow_redirects=False).status_code == 303


@pytest.mark.parametrize("what", ["lock", "unlock"])
@pytest.mark.parametrize("key", ["nobody", "%00", "..%2F..", "a" * 1000])
def test_accounts_that_are_not_there(house, key, what):
    assert lock(house.ada, key, what).status_code in (400, 404)


def test_nobody_locks_the_own_account(house):
    answer = lock(house.ada, id_of(house, "ada@example.org"), search="ada")
    assert answer.status_code == 409
    assert "You cannot lock your own account" in errors(answer)
    assert 'value="ada"' in answer.text
    page = house.ada.get(f"{FORM}?search=ada@")
    assert '<span class="muted">you</span>' in page.text
    assert "/lock" not in page.text


def test_an_administrator_has_no_power_over_those_above(house):
    visitor = house.visitor()
    visitor.register("admin@example.org")
    key = id_of(house, "admin@example.org")
    assert house.run(house.accounts.store.set_roles(key, ("admin",), keep_one=None))
    visitor.sign_in("admin@example.org")
    assert visitor.get(FORM).status_code == 200
    above = id_of(house, "ada@example.org") if house.ada else ""
    for what in ("lock", "unlock"):
        answer = lock(visitor, above, what)
        assert answer.status_code == 403
        assert "roles that you do not hold" in errors(answer)
    assert house.ada.get("/account/", follow_redirects=False).status_code == 200
    below = house.visitor().join("below@example.org")
    assert lock(visitor, id_of(house, "below@example.org")).status_code == 303
    assert below.get("/account/", follow_redirects=False).status_code == 303


def test_everybody_else_is_refused(member, anybody, house):
    assert member.get(FORM).status_code == 403
    assert "users:write" in member.get(FORM).text
    assert lock(member, id_of(house, member.email)).status_code == 403
    assert 'href="/admin/accounts"' not in member.get("/account/").text
    answer = anybody.get(FORM, follow_redirects=False)
    assert answer.headers["location"] == f"/account/sign-in?next={FORM}"
    assert anybody.send(f"{FORM}/x/lock").status_code == 401


def test_devices_that_strangers_locked_out_are_let_in_again(open_house):
    house = open_house(
        ZENITH_ABUSE__PLACE_SHARE="1", ZENITH_ABUSE__PROOF_AFTER="2", ZENITH_ABUSE__LOCK_AFTER="2"
    )
    ada, email = house.ada, "victim@example.org"
    key = add(house, email)
    for number in range(2):
        guess = house.accounts.sign_in.verify(
            email, "wrong", client=Client(address=f"203.0.113.{number}")
        )
        with pytest.raises(InvalidCredentialsError):
            house.run(guess)
    page = ada.get(FORM, params={"search": email})
    assert "known devices only" in page.text
    assert "Let all devices in" in page.text
    assert lock(ada, key, "unlock").status_code == 303
    page = ada.get(FORM, params={"search": email})
    assert "known devices only" not in page.text
    assert "Let all devices in" not in page.text


def test_whoever_may_look_after_a_part_is_led_there(house, member):
    assert "/admin/" not in member.get("/account/").text
    assert member.get("/admin").status_code == 403
    made = house.ada.send(
        "/admin/roles",
        {"name": "watcher", "permissions": "audit:read\nbans:read"},
        form="/admin/roles",
    )
    assert made.status_code == 303
    at = f"/admin/accounts/{id_of(house, member.email)}/roles"
    given = house.ada.send(at, {"role": "watcher", "hours": "0", "tenant": ""}, form=at)
    assert given.status_code == 303
    page = member.get("/account/").text
    assert '<a href="/admin/bans">Admin</a>' in page
    assert member.get("/admin", follow_redirects=False).headers["location"] == "/admin/bans"
    tabs = member.get("/admin/bans").text.split('aria-label="Administration"')[1].split("</nav>")[0]
    assert '"/admin/audit">Audit log<' in tabs
    assert "/admin/accounts" not in tabs
    assert member.get("/admin/accounts").status_code == 403


def test_the_address_of_the_administration_leads_on(house, anybody):
    assert house.ada.get("/admin", follow_redirects=False).headers["location"] == FORM
    stranger = anybody.get("/admin", follow_redirects=False)
    assert (stranger.status_code, stranger.headers["location"]) == (
        303,
        "/account/sign-in?next=/admin",
    )
