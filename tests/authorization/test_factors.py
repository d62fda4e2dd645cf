"""Declarations that ask for a recent proof of identity."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute

from tests.authorization.people import only_the_pipeline, protect
from tests.pipeline.asgi import SignedInAs, ask, connect, make_exchange, make_scope, websocket_scope
from zenith.authorization import (
    Access,
    AuthorizationGuard,
    ConfirmPage,
    FactorRequiredError,
    HasFactor,
    require_factor,
)
from zenith.kernel.clock import wall_clock
from zenith.kernel.errors import AuthenticationError, ConfigurationError
from zenith.kernel.principal import ANONYMOUS, Principal
from zenith.pipeline import SecurityMiddleware

NOW = 1_000_000.0
BROWSER = [(b"accept", b"text/html"), (b"sec-fetch-mode", b"navigate")]


def who(**factors: float) -> Principal:
    return Principal(subject="ada", factors=factors)


def asked(*factors: str, within: float = 600.0) -> HasFactor:
    return HasFactor(factors or ("password",), within, clock=lambda: NOW)


@pytest.mark.parametrize(
    ("principal", "allowed"),
    [
        (who(password=NOW), True),
        (who(password=NOW - 600), True),
        (who(password=NOW - 600.5), False),
        (who(password=NOW + 60), True),
        (who(password=NOW + 61), False),
        (who(password=1e300), False),
        (who(password=float("nan")), False),
        (who(password=float("inf")), False),
        (who(totp=NOW), False),
        (who(), False),
        (ANONYMOUS, False),
    ],
)
def test_a_proof_must_be_recent_and_of_the_factor(principal: Principal, allowed: bool) -> None:
    assert asked().decide(principal).allowed is allowed


def test_any_of_several_factors_will_do() -> None:
    either = asked("password", "passkey")
    assert either.decide(who(password=0.0, passkey=NOW)).allowed
    denial = either.decide(who(password=0.0))
    assert (denial.factors, denial.max_age) == (("password", "passkey"), 600.0)
    assert denial.reason == "user ada: no recent password or passkey"
    assert denial.detail == ""


def test_descriptions() -> None:
    assert asked("password", "totp").describe() == "password or totp within 600 s"
    assert repr(require_factor("passkey", within=60)) == "<access: passkey within 60 s>"
    assert require_factor("password").requirement == HasFactor(("password",), 600.0)


@pytest.mark.parametrize(
    "factors", [(), ("",), ("Password",), ("a b",), ("password", 'x"'), ("é",)]
)
def test_what_is_no_factor_cannot_be_asked_for(factors: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match="require_factor"):
        require_factor(*factors)


@pytest.mark.parametrize("within", [0, -1, 0.5, 1e9, float("nan"), float("inf")])
def test_what_is_no_time_cannot_be_asked_for(within: float) -> None:
    with pytest.raises(ConfigurationError, match="within"):
        require_factor("password", within=within)


def refusal(principal: Principal, access: Access | None = None) -> AuthenticationError:
    with pytest.raises(AuthenticationError) as caught:
        (access or require_factor("password", "totp")).ask(make_exchange(principal=principal))
    return caught.value


def test_who_is_known_is_asked_for_a_fresh_proof() -> None:
    error = refusal(who(password=1.0))
    assert isinstance(error, FactorRequiredError)
    assert (error.code, error.status) == ("factor_required", 401)
    assert (error.factors, error.max_age) == (("password", "totp"), 600.0)
    assert error.headers["WWW-Authenticate"] == (
        'Bearer error="insufficient_user_authentication", '
        'error_description="A more recent proof of identity is required", '
        'max_age="600", factors="password totp"'
    )


def test_strangers_are_asked_to_sign_in_first() -> None:
    assert refusal(ANONYMOUS).code == "unauthenticated"


ACCESS = require_factor("password", within=300)


async def vault(request):
    return PlainTextResponse("gold")


async def refused_socket(socket):
    await socket.accept()


def application(principal, *, page="/account/confirm", guards=None):
    app = Starlette(
        routes=[
            Route("/vault", ACCESS(vault), methods=["GET", "POST"]),
            Route("/account/confirm", ACCESS(vault)),
            WebSocketRoute("/socket", ACCESS(refused_socket)),
        ]
    )
    services = {ConfirmPage: ConfirmPage(page)} if page else {}
    guards = [SignedInAs(principal), *(guards or [AuthorizationGuard(refuse_undeclared=False)])]
    return SecurityMiddleware(app, guards=guards, services=services)


async def test_programs_get_the_challenge_also_where_there_is_a_page() -> None:
    for headers in ([], [(b"accept", b"text/html"), (b"sec-fetch-mode", b"cors")]):
        answer = await ask(
            application(who(password=1.0)), make_scope(path="/vault", headers=headers)
        )
        assert answer.status == 401
        assert b'"code": "factor_required"' in answer.body
        assert b'max_age="300"' in answer.headers[b"www-authenticate"]


def led_to(answer) -> dict[str, list[str]]:
    assert answer.status == 303
    parts = urlsplit(answer.headers[b"location"].decode())
    assert (parts.scheme, parts.netloc, parts.path) == ("", "", "/account/confirm")
    return parse_qs(parts.query)


async def test_navigations_are_led_to_the_page_and_keep_their_address() -> None:
    scope = make_scope(path="/vault", headers=BROWSER) | {
        "query_string": b"a=1&next=//evil.example"
    }
    assert led_to(await ask(application(who()), scope)) == {
        "factor": ["password"],
        "within": ["300"],
        "next": ["/vault?a=1&next=//evil.example"],
    }


@pytest.mark.parametrize(
    ("path", "raw", "back"),
    [
        ("/vault/what?.txt", b"/vault/what%3F.txt", "/vault/what%3F.txt?a=%C3%A9"),
        ("/vault/caf\u00e9", b"/vault/caf%C3%A9", "/vault/caf%C3%A9?a=%C3%A9"),
        ("/vault/100%", None, "/vault/100%25?a=%C3%A9"),
        ("//evil.example/vault", b"//evil.example/vault", "/evil.example/vault?a=%C3%A9"),
    ],
)
async def test_the_address_is_kept_as_it_was_sent(path: str, raw: bytes | None, back: str) -> None:
    """Else the way back leads elsewhere, or nowhere."""
    app = Starlette(routes=[Route("/{rest:path}", ACCESS(vault))])
    app = SecurityMiddleware(
        app,
        guards=[SignedInAs(who()), AuthorizationGuard(refuse_undeclared=False)],
        services={ConfirmPage: ConfirmPage("/account/confirm")},
    )
    scope = make_scope(path=path, headers=BROWSER) | {"query_string": b"a=%C3%A9"}
    answer = await ask(app, scope | {"raw_path": raw})
    assert led_to(answer)["next"] == [back]


@pytest.mark.parametrize(
    ("host", "referer", "page"),
    [
        ("shop.example", b"https://shop.example/vault/form?x=1", "/vault/form?x=1"),
        ("shop.example", b"https://shop.example/vault/form", "/vault/form"),
        ("shop.example", b"https://shop.example", "/"),
        ("shop.example", b"https://evil.example/vault", "/"),
        ("shop.example", b"https://shop.example//evil.example/x", "/evil.example/x"),
        ("shop.example", b"https://shop.example@evil.example/vault", "/"),
        ("shop.example", b"https://[", "/"),
        ("shop.example", b"", "/"),
        ("", b"/vault", "/"),
    ],
)
async def test_a_sent_form_leads_back_to_its_page(host: str, referer: bytes, page: str) -> None:
    class Host(SignedInAs):
        def on_request(self, exchange):
            exchange.host = host
            exchange.principal = who()

    scope = make_scope("POST", "/vault", headers=[*BROWSER, (b"referer", referer)])
    app = application(who(), guards=[Host(who()), AuthorizationGuard(refuse_undeclared=False)])
    query = led_to(await ask(app, scope))
    assert (query["next"], query["sent"]) == ([page], ["1"])


async def test_without_a_page_and_on_the_page_itself_nobody_is_led_around() -> None:
    scope = make_scope(path="/vault", headers=BROWSER)
    assert (await ask(application(who(), page=""), scope)).status == 401
    scope = make_scope(path="/account/confirm", headers=BROWSER)
    assert (await ask(application(who()), scope)).status == 401


async def test_sockets_are_closed() -> None:
    sent = await connect(application(who()), websocket_scope("/socket", headers=BROWSER))
    assert sent.messages[-1]["type"] == "websocket.close"
    assert sent.messages[-1]["code"] == 1008


@pytest.mark.parametrize("wrap", [protect, only_the_pipeline])
async def test_it_works_as_a_decorator_and_as_a_dependency(wrap) -> None:
    app = FastAPI()

    @app.get("/decorated")
    @require_factor("password")
    async def decorated() -> str:
        return "gold"

    @app.get("/depends", dependencies=[Depends(require_factor("password"))])
    async def depends() -> str:
        return "gold"

    for path in ("/decorated", "/depends"):
        for factors, status in (({}, 401), ({"password": wall_clock()}, 200)):
            assert (await ask(wrap(app, who(**factors)), make_scope(path=path))).status == status


async def test_a_factor_that_nobody_can_prove_refuses_the_start() -> None:
    scope = make_scope(path="/vault")
    guard = AuthorizationGuard(refuse_undeclared=False, factors=["totp"])
    with pytest.raises(ConfigurationError, match=r"(?s)/vault.*nobody can prove `password`"):
        await ask(application(who(), guards=[guard]), scope)
    guard = AuthorizationGuard(refuse_undeclared=False, factors=["password"])
    assert (await ask(application(who(), guards=[guard]), scope)).status == 401
