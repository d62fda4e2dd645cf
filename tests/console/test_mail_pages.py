"""Pages of what happens by mail, and of one's own account."""

from __future__ import annotations

import json
import re

import httpx
import pytest

from tests.accounts.mails import link_in, mailed
from tests.console.visitor import PASSWORD, errors

NEW_PASSWORD = "another honest river of 7"


def newest(house, kind, to):
    """The path that the newest mail of this kind leads to."""
    mails = [each for each in house.run(mailed(house.app, kind=kind)) if each.to == to]
    return link_in(mails[-1]).removeprefix(house.base)


@pytest.fixture
def person(house, anybody, request):
    """Somebody with an account, signed in."""
    name = re.sub(r"\W", "-", request.node.name)[-40:].strip("-")
    anybody.email = f"{name}@example.org"
    return anybody.join(anybody.email)


def test_registering_leads_to_the_mailbox_and_the_link_to_a_button(house, anybody):
    answer = anybody.register("verify@example.org")
    assert answer.headers["location"] == "/account/sign-in?notice=registered-mail"
    link = newest(house, "verify_email", "verify@example.org")
    arrived = anybody.get(link, follow_redirects=False)
    assert (arrived.status_code, arrived.headers["location"]) == (303, "/account/verify-email")
    assert arrived.headers["referrer-policy"] == "no-referrer"
    assert arrived.headers["cache-control"] == "no-store"
    page = anybody.get("/account/verify-email")
    assert "verify@example.org" in page.text
    assert link.rpartition("/")[2] not in page.text
    done = anybody.send("/account/verify-email", form="/account/verify-email")
    assert done.headers["location"] == "/account/sign-in?notice=email-verified"
    assert "zenith-link-verify-email=; Path=/; Max-Age=0" in done.headers["set-cookie"]
    account = house.run(house.accounts.store.by_email("verify@example.org"))
    assert account.email_verified_at is not None
    assert anybody.get(link, follow_redirects=False).status_code == 400
    assert "not valid any more" in anybody.get("/account/verify-email").text


def test_scanners_that_follow_links_spend_nothing(house, anybody):
    anybody.register("scanned@example.org")
    link = newest(house, "verify_email", "scanned@example.org")
    scanner = house.visitor()
    for _ in range(3):
        assert scanner.get(link, follow_redirects=True).status_code == 200
        assert scanner.client.head(link).status_code == 303
    account = house.run(house.accounts.store.by_email("scanned@example.org"))
    assert account.email_verified_at is None
    assert anybody.get(link, follow_redirects=True).status_code == 200


def test_a_forgotten_password(house, anybody):
    anybody.register("forgot@example.org")
    assert 'href="/account/forgot"' in anybody.get("/account/sign-in").text
    sent = [
        anybody.send("/account/forgot", {"email": email}, form="/account/forgot")
        for email in ("forgot@example.org", "nobody@example.org")
    ]
    assert {answer.headers["location"] for answer in sent} == {
        "/account/sign-in?notice=reset-mailed"
    }
    assert "a valid e-mail" in errors(
        anybody.send("/account/forgot", {"email": "nonsense"}, form="/account/forgot")
    )
    link = newest(house, "reset_password", "forgot@example.org")
    assert anybody.get(link, follow_redirects=True).status_code == 200
    for new, repeated, said in [
        (NEW_PASSWORD, "other", "The new passwords differ"),
        ("short", "short", "at least 15 characters"),
    ]:
        fields = {"new": new, "repeated": repeated}
        answer = anybody.send("/account/reset", fields, form="/account/reset")
        assert (answer.status_code, said in errors(answer)) == (422, True)
    fields = {"new": NEW_PASSWORD, "repeated": NEW_PASSWORD}
    done = anybody.send("/account/reset", fields, form="/account/reset")
    assert done.headers["location"] == "/account/sign-in?notice=password-reset"
    assert anybody.sign_in("forgot@example.org").status_code == 401
    assert anybody.sign_in("forgot@example.org", NEW_PASSWORD).status_code == 303


def test_a_page_of_a_link_without_one(anybody):
    for page in ("reset", "verify-email", "confirm-email", "revert-email"):
        assert anybody.get(f"/account/{page}").status_code == 400
        assert anybody.get(f"/account/{page}/{'x' * 43}").status_code == 400
        assert anybody.get(f"/account/{page}/{'x' * 4000}").status_code == 400


def test_a_new_address_and_the_way_back(house, person):
    assert 'href="/account/email"' in person.get("/account/").text
    fields = {"email": "moved@example.org", "password": "wrong"}
    answer = person.send("/account/email", fields, form="/account/email")
    assert (answer.status_code, "Your password is wrong" in errors(answer)) == (422, True)
    fields = {"email": "moved@example.org", "password": PASSWORD}
    answer = person.send("/account/email", fields, form="/account/email")
    assert answer.headers["location"] == "/account/?notice=email-asked"
    other = house.visitor()
    link = newest(house, "confirm_new_email", "moved@example.org")
    assert "moved@example.org" in other.get(link, follow_redirects=True).text
    done = other.send("/account/confirm-email", form="/account/confirm-email")
    assert done.headers["location"] == "/account/sign-in?notice=email-changed"
    assert "moved@example.org" in person.get("/account/").text
    back = newest(house, "email_changed", person.email)
    assert person.email in other.get(back, follow_redirects=True).text
    done = other.send("/account/revert-email", form="/account/revert-email")
    assert done.headers["location"] == "/account/sign-in?notice=email-reverted"
    assert person.get("/account/", follow_redirects=False).status_code == 303
    assert newest(house, "email_reverted", person.email).startswith("/account/reset/")


def test_a_link_that_was_used_elsewhere_says_so_on_its_page(house, anybody):
    anybody.register("twice@example.org")
    link, other = newest(house, "verify_email", "twice@example.org"), house.visitor()
    for each in (anybody, other):
        each.get(link, follow_redirects=True)
    token = other.token("/account/verify-email")
    assert anybody.send("/account/verify-email", form="/account/verify-email").status_code == 303
    late = other.client.post("/account/verify-email", data={"csrf_token": token})
    assert late.status_code == 400
    assert "not valid any more" in late.text


def test_a_copy_of_ones_data(person):
    answer = person.send("/account/export", form="/account/")
    assert answer.headers["content-disposition"] == 'attachment; filename="account.json"'
    assert answer.headers["cache-control"] == "no-store"
    found = json.loads(answer.text)
    assert found["account"]["email"] == person.email
    assert len(found["sessions"]) == 1
    assert "argon2" not in answer.text


def test_the_end_of_an_account(house, person):
    page = person.get("/account/delete").text
    assert person.email in page
    answer = person.send("/account/delete", {"password": "wrong"}, form="/account/delete")
    assert (answer.status_code, "Your password is wrong" in errors(answer)) == (422, True)
    answer = person.send("/account/delete", {"password": PASSWORD}, form="/account/delete")
    assert answer.headers["location"] == "/account/sign-in?notice=deleted"
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert house.run(house.accounts.store.by_email(person.email)) is None
    assert person.sign_in(person.email).status_code == 401


def test_the_outbox(house, anybody):
    anybody.register("outbox@example.org")
    house.run(mailed(house.app))
    page = anybody.get("/outbox").text
    assert "outbox@example.org" in page
    number = re.search(r"/outbox/(\d+)", page).group(1)
    mail = anybody.get(f"/outbox/{number}").text
    assert re.search(r'<a href="http://localhost:8000/account/verify-email/', mail)
    assert anybody.get("/outbox/999999").status_code == 404


@pytest.mark.parametrize(
    ("client", "status"), [("::ffff:127.0.0.1", 200), ("::ffff:203.0.113.5", 404), ("", 404)]
)
def test_the_outbox_of_a_server_that_listens_on_all_addresses(house, client, status):
    async def ask():
        asgi = httpx.ASGITransport(app=house.app, client=(client, 5000))
        async with httpx.AsyncClient(transport=asgi, base_url=house.base) as visitor:
            return await visitor.get("/outbox", headers={"Accept": "text/html"})

    assert house.run(ask()).status_code == status


def test_without_mail_its_pages_are_not_there(open_house):
    house = open_house(
        ZENITH_ENV="production",
        ZENITH_ORIGIN="https://app.example.org",
        ZENITH_SECRET_KEY="R4nd0m-k3y-f0r-th3-t3sts-0nly-abcdefghijklmnop",
        ZENITH_PASSWORDS__PROFILE="guide",
    )
    visitor = house.visitor()
    for path in ("/account/forgot", "/account/reset", "/outbox"):
        assert visitor.get(path).status_code == 404
    assert "/account/forgot" not in visitor.get("/account/sign-in").text


def test_links_work_where_headers_are_off(open_house):
    house = open_house(ZENITH_HEADERS="off")
    visitor = house.visitor()
    visitor.register("plain@example.org")
    link = newest(house, "verify_email", "plain@example.org")
    assert visitor.get(link, follow_redirects=True).status_code == 200
