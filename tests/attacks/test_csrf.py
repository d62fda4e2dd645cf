"""The attack: a page of another site sends a change with the cookies of whoever looks at it
(ASVS 3.5.1), with a form, a script, a socket, or a token that the attacker got for himself."""

from __future__ import annotations

import pytest
from fastapi import FastAPI, Form, WebSocket

from tests.csrf.keys import NEW
from tests.pipeline.asgi import SignedInAs, client, connect, websocket_scope
from zenith.csrf import CsrfGuard, CsrfSettings, CsrfToken
from zenith.kernel.principal import ANONYMOUS, Principal
from zenith.pipeline import SecurityMiddleware

ALICE = Principal(subject="alice", session_id="s-alice", scheme="session")
MALLORY = Principal(subject="mallory", session_id="s-mallory", scheme="session")
OURS = "https://bank.example"
COOKIE = "session=x"


def application(principal=ALICE, **settings):
    app = FastAPI()
    app.done = []

    @app.get("/form")
    async def form(token: CsrfToken):
        return token

    @app.post("/transfer")
    async def transfer(amount: int = Form()):
        app.done.append(amount)

    @app.api_route("/change", methods=["POST", "PUT", "PATCH", "DELETE"])
    async def change():
        app.done.append("change")

    @app.websocket("/socket")
    async def socket(websocket: WebSocket):
        app.done.append("socket")
        await websocket.accept()
        await websocket.close()

    guards = [SignedInAs(principal), CsrfGuard([NEW], CsrfSettings(**settings))]
    return app, SecurityMiddleware(app, guards=guards)


async def token_of(principal):
    _, protected = application(principal)
    async with client(protected, OURS) as browser:
        return (await browser.get("/form")).json()


async def attack(
    principal=ALICE, *, path="/transfer", method="POST", headers=(), data=None, **more
):
    app, protected = application(principal)
    async with client(protected, OURS) as browser:
        sent = {"cookie": COOKIE} | dict(headers)
        answer = await browser.request(method, path, headers=sent, data=data, **more)
    assert app.done == []
    assert answer.status_code == 403, answer.text
    assert "CSRF" in answer.json()["detail"]


async def test_the_honest_form_works():
    app, protected = application()
    async with client(protected, OURS) as browser:
        token = (await browser.get("/form")).json()
        headers = {"origin": OURS, "sec-fetch-site": "same-origin", "cookie": COOKIE}
        data = {"amount": "1", "csrf_token": token}
        assert (await browser.post("/transfer", data=data, headers=headers)).status_code == 200
    assert app.done == [1]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_every_changing_method(method):
    await attack(path="/change", method=method)


async def test_a_hidden_form_on_another_site():
    headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    await attack(headers=headers, data={"amount": "1000"})


async def test_a_form_in_a_sandboxed_frame():
    await attack(headers={"origin": "null"}, data={"amount": "1000"})


async def test_a_form_on_a_taken_over_sub_domain():
    headers = {"origin": "https://old.bank.example", "sec-fetch-site": "same-site"}
    await attack(headers=headers, data={"amount": "1000"})


async def test_a_form_over_plain_http_by_somebody_on_the_network():
    await attack(headers={"origin": "http://bank.example"}, data={"amount": "1000"})


async def test_an_old_browser_that_sends_no_signal():
    await attack(data={"amount": "1000"})
    await attack(headers={"referer": "https://evil.example/"}, data={"amount": "1000"})


async def test_a_foreign_form_with_a_token_of_the_victim_is_still_foreign():
    """Should a token ever leak, it is of no use to another site."""
    data = {"amount": "1000", "csrf_token": await token_of(ALICE)}
    await attack(headers={"origin": "https://evil.example"}, data=data)
    await attack(headers={"sec-fetch-site": "cross-site"}, data=data)


async def test_the_attackers_own_token():
    data = {"amount": "1000", "csrf_token": await token_of(MALLORY)}
    await attack(data=data)
    await attack(headers={"origin": OURS}, data=data)


async def test_the_attackers_anonymous_token_with_its_cookie():
    _, protected = application(ANONYMOUS)
    async with client(protected, OURS) as browser:
        token = (await browser.get("/form")).json()
        planted = f"{COOKIE}; __Host-zenith-csrf={browser.cookies['__Host-zenith-csrf']}"
    await attack(headers={"cookie": planted, "origin": OURS, "x-csrf-token": token})


ANONYMOUS_COOKIES = [
    "zenith-csrf",
    "__host-zenith-csrf",
    "__Host-zenith-csrf2",
    "__Secure-zenith-csrf",
]


@pytest.mark.parametrize("name", ANONYMOUS_COOKIES)
async def test_a_sister_host_plants_the_cookie_that_its_token_is_bound_to(name):
    """Cookie tossing: the attacker's host below ours sets a cookie for the whole domain, with a
    longer path so that it comes first. It cannot set one whose name begins with `__Host-`.
    """
    _, protected = application(ANONYMOUS)
    async with client(protected, OURS) as browser:
        token = (await browser.get("/form")).json()
        own = browser.cookies["__Host-zenith-csrf"]
    sister = {"origin": "https://old.bank.example", "sec-fetch-site": "same-site"}
    for signals in (sister, {"referer": "https://old.bank.example/"}, {"origin": OURS}, {}):
        headers = {"cookie": f"{name}={own}", **signals}
        await attack(ANONYMOUS, headers=headers, data={"amount": "1", "csrf_token": token})


async def test_a_planted_cookie_does_not_come_before_the_victims_own():
    _, protected = application(ANONYMOUS)
    async with client(protected, OURS) as browser:
        token = (await browser.get("/form")).json()
        planted = browser.cookies["__Host-zenith-csrf"]
    victims = "__Host-zenith-csrf=" + "v" * 43
    cookies = f"{victims}; zenith-csrf={planted}; __Host-zenith-csrf={planted}"
    data = {"amount": "1", "csrf_token": token}
    await attack(ANONYMOUS, headers={"cookie": cookies, "origin": OURS}, data=data)


@pytest.mark.parametrize(
    "signals",
    [
        {"origin": "https://evil.example"},
        {"origin": "https://old.bank.example", "sec-fetch-site": "same-site"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"referer": "https://evil.example/"},
    ],
)
async def test_login_csrf_by_json(signals):
    """Should cross-origin JSON ever be admitted by mistake, nobody is signed in by it."""
    await attack(ANONYMOUS, path="/change", headers=signals, json={"email": "mallory@evil.example"})


async def test_login_csrf():
    """The victim is signed in to the attacker's account and fills it with data of its own."""
    headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site", "cookie": ""}
    await attack(ANONYMOUS, headers=headers, data={"amount": "1"})
    await attack(ANONYMOUS, headers={"sec-fetch-site": "same-origin"}, data={"amount": "1"})


async def test_a_token_in_the_address_is_no_token():
    await attack(path=f"/transfer?csrf_token={await token_of(ALICE)}", data={"amount": "1"})


async def test_a_json_body_sent_as_plain_text():
    headers = {"content-type": "text/plain", "origin": "https://evil.example"}
    await attack(path="/change", headers=headers, content=b'{"a":1}')


async def test_a_method_override_does_not_make_a_change_safe():
    await attack(path="/change", headers={"x-http-method-override": "GET"})
    await attack(path="/change?_method=GET")


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/x-www-form-urlencoded", 403),
        ("multipart/form-data; boundary=x", 403),
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=" + "x" * 100, 400),
    ],
)
@pytest.mark.parametrize(
    ("body", "is_form"),
    [
        (b"", True),
        (b"\xff\x00--x", False),
        (b"--x\r\n\r\n" * 1000, True),
        (b"csrf_token=" * 9999, False),
    ],
)
async def test_forms_made_to_break_the_search(content_type, status, body, is_form):
    app, protected = application()
    async with client(protected, OURS) as browser:
        headers = {"content-type": content_type, "cookie": COOKIE}
        answer = await browser.post("/transfer", content=body, headers=headers)
    if content_type.startswith("multipart") and not is_form:
        status = 400
    assert answer.status_code == status
    assert app.done == []


async def test_guesses_tell_nothing_apart():
    """One answer for every failure: no oracle for tokens, cookies or sessions."""
    answers = set()
    _, protected = application()
    token = await token_of(MALLORY)
    async with client(protected, OURS) as browser:
        for headers in (
            {"cookie": COOKIE},
            {"cookie": COOKIE, "x-csrf-token": token},
            {"cookie": COOKIE, "x-csrf-token": token[:-1]},
            {"cookie": COOKIE, "origin": "https://evil.example"},
        ):
            body = (await browser.post("/change", headers=headers)).json()
            del body["instance"]
            answers.add(str(body))
    assert len(answers) == 1


SOCKET_ORIGINS = [
    "https://evil.example",
    "null",
    "https://bank.example:444",
    "http://bank.example",
    "https://old.bank.example",
    "https://bank.example.evil.example",
]


@pytest.mark.parametrize("origin", SOCKET_ORIGINS)
@pytest.mark.parametrize("scheme", ["session", "bearer", ""])
async def test_cross_site_websocket_hijacking(origin, scheme):
    app, protected = application(Principal(subject="alice", session_id="s", scheme=scheme))
    headers = [("host", "bank.example"), ("origin", origin), ("cookie", COOKIE)]
    answer = await connect(protected, websocket_scope("/socket", headers=headers, scheme="wss"))
    assert answer.messages[0]["type"] == "websocket.close"
    assert app.done == []


async def test_the_guides_bare_post():
    """A program that sends neither cookie nor credential, where `always` is set."""
    app, protected = application(ANONYMOUS, always=True)
    async with client(protected, OURS) as program:
        answer = await program.post("/change", json={"data": "test"})
    assert (answer.status_code, app.done) == (403, [])
    assert "CSRF" in answer.json()["detail"]
