"""The first-run link."""

from __future__ import annotations

import asyncio

from tests.console.visitor import PASSWORD, errors

FIELDS = {"email": "first@example.org", "password": PASSWORD, "repeated": PASSWORD}


def test_the_secret_leaves_the_address(open_house):
    house = open_house()
    visitor, link = house.visitor(), house.setup_link()
    arrived = visitor.get(link, follow_redirects=False)
    assert (arrived.status_code, arrived.headers["location"]) == (303, "/setup")
    assert arrived.headers["cache-control"] == "no-store"
    secret = link.removeprefix("/setup/")
    assert secret not in visitor.get("/setup").text


def test_mistakes_spend_nothing(open_house):
    house = open_house()
    house.visitor().register("taken@example.org")
    visitor = house.visitor()
    visitor.get(house.setup_link())
    for wrong, status, said in [
        ({"repeated": "another"}, 422, "The passwords differ"),
        ({"email": "nonsense"}, 422, "Enter a valid e-mail address"),
        ({"password": "short", "repeated": "short"}, 422, "at least 15 characters"),
        ({"email": "taken@example.org"}, 409, "has an account already"),
    ]:
        answer = visitor.send("/setup", FIELDS | wrong, form="/setup")
        assert answer.status_code == status
        assert said in errors(answer)
        assert f'value="{(FIELDS | wrong)["email"]}"' in answer.text
    done = visitor.send("/setup", FIELDS, form="/setup")
    assert done.headers["location"] == "/account/sign-in?notice=set-up"
    assert "zenith-setup=; Path=/; Max-Age=0" in done.headers["set-cookie"]
    assert visitor.get("/setup").status_code == 403
    visitor.sign_in("first@example.org")
    assert visitor.get("/admin/accounts").status_code == 200


def test_there_is_no_other_way_in(open_house):
    house = open_house()
    house.setup_link()
    visitor = house.visitor()
    for path in ("/setup", "/setup/guess", f"/setup/{'a' * 43}"):
        assert visitor.get(path).status_code == 403
    visitor.client.cookies.set("zenith-setup", "a" * 43)
    assert visitor.get("/setup").status_code == 403
    assert visitor.send("/setup", FIELDS).status_code == 403


def test_the_link_expires(open_house):
    house = open_house(ZENITH_ACCOUNTS__SETUP_LINK_LIFETIME="60")
    visitor, link = house.visitor(), house.setup_link()
    visitor.get(link)
    clock = house.accounts.registration._clock
    for age, status in [(59, 200), (61, 403)]:
        object.__setattr__(house.accounts.registration, "_clock", lambda age=age: clock() + age)
        assert visitor.get("/setup").status_code == status
        assert visitor.get(link, follow_redirects=False).status_code == (303, 403)[status == 403]


def test_a_new_link_ends_the_one_before(open_house):
    house = open_house()
    first, second = house.setup_link(), house.setup_link()
    assert house.visitor().get(first).status_code == 403
    assert house.visitor().get(second).status_code == 303


def test_of_many_who_hold_it_one_succeeds(open_house):
    house = open_house()
    link = house.setup_link()
    visitors = [house.visitor() for _ in range(8)]
    for visitor in visitors:
        visitor.get(link)

    async def all_at_once():
        work = [
            asyncio.to_thread(
                visitor.send, "/setup", FIELDS | {"email": f"n{i}@example.org"}, form="/setup"
            )
            for i, visitor in enumerate(visitors)
        ]
        return await asyncio.gather(*work, return_exceptions=True)

    answers = house.run(all_at_once())
    won = [a for a in answers if getattr(a, "status_code", 0) == 303]
    assert len(won) == 1
    found = house.run(house.accounts.store.page(after=None, limit=50))
    assert len(found) == 1
