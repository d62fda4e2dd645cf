"""The page that asks for a factor again."""

from __future__ import annotations

from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tests.console.visitor import PASSWORD, errors
from zenith.authorization import require_factor

COOKIE = "zenith-session"
ASK = "/account/confirm?factor=password&within=1&next=/vault"


@pytest.fixture(scope="module")
def strict_house(open_house):
    """A server with a page that wants a password no older than a second."""
    house = open_house()

    @house.app.get("/vault")
    @require_factor("password", within=1)
    async def vault(request: Request) -> Response:
        return PlainTextResponse("gold")

    @house.app.post("/vault/form")
    @require_factor("password", within=1)
    async def form(request: Request) -> Response:
        return PlainTextResponse("more gold")

    return house


@pytest.fixture
def guest(strict_house, request):
    visitor = strict_house.visitor()
    visitor.email = f"m{abs(hash(request.node.nodeid))}@example.org"
    visitor.join(visitor.email)
    make_old(strict_house, visitor)
    return visitor


def make_old(house, visitor, at=1.0):
    """The password was proven a long time ago."""
    account = house.run(house.accounts.store.by_email(visitor.email))
    for session in house.run(house.accounts.sessions.list(account.id)):
        rotated = house.run(house.accounts.sessions.rotate(session, factors={"password": at}))
        visitor.client.cookies.set(COOKIE, rotated[1], domain="localhost.local")


def fields(**more):
    return {"factor": "password", "proof": PASSWORD, "factors": "password", "next": "/vault"} | more


def confirm(visitor, **more):
    return visitor.send("/account/confirm", fields(**more), form=ASK)


def test_strangers_are_led_to_the_sign_in(anybody):
    answer = anybody.get("/account/confirm", follow_redirects=False)
    assert answer.headers["location"] == "/account/sign-in?next=/account/confirm"


def test_the_way_through_the_missing_factor_and_back(guest):
    led = guest.get("/vault?drawer=2", follow_redirects=False)
    assert led.status_code == 303
    page = guest.get(led.headers["location"])
    assert page.status_code == 200
    assert "Confirm that it is you" in page.text
    assert "/vault?drawer=2" in unescape(page.text)
    before = guest.client.cookies[COOKIE]
    answer = confirm(guest, next="/vault?drawer=2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/vault?drawer=2")
    assert guest.client.cookies[COOKIE] != before
    assert guest.get("/vault?drawer=2").text == "gold"


def test_a_wrong_password_is_said_on_the_page(guest):
    answer = confirm(guest, proof="wrong")
    assert answer.status_code == 422
    assert "The password is wrong" in errors(answer)
    assert 'value="/vault"' in answer.text
    assert COOKIE not in answer.headers.get("set-cookie", "")


def test_an_unknown_factor_is_said_on_the_page(guest):
    answer = confirm(guest, factor="tea")
    assert answer.status_code == 422
    assert "Unknown factor" in errors(answer)


def test_a_form_that_was_on_its_way_is_not_lost_silently(strict_house, guest):
    origin = strict_house.base
    led = guest.send(
        "/vault/form",
        {"amount": "1"},
        form=ASK,
        headers={"Referer": f"{origin}/vault/form?x=1", "Origin": origin},
    )
    query = parse_qs(urlsplit(led.headers["location"]).query)
    assert (query["next"], query["sent"]) == (["/vault/form?x=1"], ["1"])
    page = guest.get(led.headers["location"])
    assert "not</strong> carried out" in page.text
    assert 'name="sent" value="1"' in page.text
    again = confirm(guest, proof="wrong", sent="1")
    assert "not</strong> carried out" in again.text


def test_who_has_confirmed_in_another_tab_goes_on_at_once(guest):
    assert confirm(guest).status_code == 303
    answer = guest.get(ASK.replace("within=1", "within=600"), follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/vault")


def test_of_two_tabs_the_second_goes_on_with_the_cookie_of_the_first(strict_house, guest):
    session = guest.client.cookies[COOKIE]
    token = guest.token(ASK)
    assert confirm(guest).status_code == 303
    # The second request left before the first answer came, and arrives within the second in which
    # another process may still know the old cookie.
    from zenith.kernel.errors import ConflictError

    step_up = strict_house.accounts.step_up
    original = type(step_up).confirm

    async def late(*args, **kwargs):
        raise ConflictError

    type(step_up).confirm = late
    try:
        data = fields(csrf_token=token)
        answer = guest.client.post("/account/confirm", data=data, follow_redirects=False)
    finally:
        type(step_up).confirm = original
    assert (answer.status_code, answer.headers["location"]) == (303, "/vault")
    assert guest.client.cookies[COOKIE] != session


@pytest.mark.parametrize(
    "query",
    ["", "?factor=tea", "?factor=password&within=x", "?within=-1&factor=password", "?next=//evil"],
)
def test_whatever_the_query_says_the_page_comes(guest, query):
    answer = guest.get(f"/account/confirm{query}", follow_redirects=False)
    assert answer.status_code == 200
    assert "evil" not in answer.text


def test_an_account_without_the_factor_is_told_so(strict_house, guest):
    class Never:
        async def is_held(self, account):
            return False

    checks = strict_house.accounts.step_up._checks
    checks["tea"] = Never()
    try:
        page = guest.get("/account/confirm?factor=tea", follow_redirects=False)
    finally:
        del checks["tea"]
    assert "This needs your tea, and your account has none" in page.text
    assert 'name="proof"' not in page.text
