from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.requests import HTTPConnection

from tests.pipeline.asgi import Answer, make_exchange, make_scope, receiver, websocket_scope
from zenith.kernel.errors import AuthenticationError, ConfigurationError, PermissionDeniedError
from zenith.kernel.problem import Problem
from zenith.pipeline import EXCHANGE_KEY, Exchange, ProblemResponse, SignInPage, respond
from zenith.pipeline.refusal import PageStyle, refuse

NAVIGATION = [("sec-fetch-mode", "navigate")]
PAGE = {SignInPage: SignInPage("/sign-in")}


async def refused(error, *args, services=None, **scope):
    exchange = Exchange(make_scope(*args, **scope), receiver(), services or {})
    answer = Answer()
    await refuse(exchange, Problem.of(error), answer.send)
    return answer


async def test_programs_get_a_problem():
    answer = await refused(PermissionDeniedError())
    assert (answer.status, answer.headers[b"content-type"]) == (403, b"application/problem+json")
    assert json.loads(answer.body)["code"] == "permission_denied"


async def test_people_get_a_page():
    answer = await refused(PermissionDeniedError(), headers=NAVIGATION)
    assert answer.headers[b"content-type"] == b"text/html; charset=utf-8"
    assert b"stylesheet" not in answer.body


async def test_the_page_has_the_applications_style():
    services = {PageStyle: PageStyle("/style.css")}
    answer = await refused(PermissionDeniedError(), headers=NAVIGATION, services=services)
    assert b'href="/style.css"' in answer.body


async def test_head_gets_no_body_but_its_length():
    answer = await refused(PermissionDeniedError(), "HEAD")
    assert answer.body == b""
    assert int(answer.headers[b"content-length"]) > 0


async def test_sockets_are_closed_for_a_broken_policy():
    answer = Answer()
    exchange = Exchange(websocket_scope(), receiver())
    await refuse(exchange, Problem.of(PermissionDeniedError(reason="private")), answer.send)
    assert answer.messages == [
        {"type": "websocket.close", "code": 1008, "reason": "Permission denied"}
    ]


async def test_people_without_a_session_are_led_to_the_sign_in():
    answer = await refused(
        AuthenticationError(), path="/a b/é?&", raw_path=b"", headers=NAVIGATION, services=PAGE
    )
    assert answer.status == 303
    assert answer.headers[b"location"] == b"/sign-in?next=/a%2520b/%25C3%25A9%253F%2526"
    assert answer.headers[b"cache-control"] == b"no-store"
    assert answer.body == b""


async def test_a_path_of_any_text_can_be_quoted():
    answer = await refused(
        AuthenticationError(), path="/\ud800", raw_path=b"/", headers=NAVIGATION, services=PAGE
    )
    assert answer.headers[b"location"] == b"/sign-in?next=/"


@pytest.mark.parametrize(
    ("raw_path", "query", "wanted"),
    [
        (b"/files/what%3F.txt", b"x=1&y=%2F", "/files/what%3F.txt?x=1&y=%2F"),
        (b"//other.example/a", b"", "/other.example/a"),
        (b"/a", b"next=//other.example", "/a?next=//other.example"),
        (b"", b"", "/files/what%3F.txt"),
    ],
)
async def test_they_come_back_to_what_they_asked_for(raw_path, query, wanted):
    answer = await refused(
        AuthenticationError(),
        path="/files/what?.txt",
        raw_path=raw_path,
        query_string=query,
        headers=NAVIGATION,
        services=PAGE,
    )
    led = urlsplit(answer.headers[b"location"].decode("ascii"))
    assert led.path == "/sign-in"
    assert parse_qs(led.query) == {"next": [wanted]}


@pytest.mark.parametrize(
    ("error", "scope"),
    [
        (PermissionDeniedError(), {"headers": NAVIGATION}),
        (AuthenticationError(), {}),
        (AuthenticationError(), {"method": "POST", "headers": NAVIGATION}),
        (AuthenticationError(), {"path": "/sign-in", "headers": NAVIGATION}),
    ],
)
async def test_everybody_else_is_not(error, scope):
    assert (await refused(error, services=PAGE, **scope)).status == error.status


async def test_a_service_of_another_kind_leads_nowhere():
    services = {SignInPage: "/sign-in", PageStyle: "/style.css"}
    answer = await refused(AuthenticationError(), headers=NAVIGATION, services=services)
    assert answer.status == 401
    assert b"stylesheet" not in answer.body


async def test_refusals_of_handlers_are_rendered_alike():
    exchange, error = make_exchange(), PermissionDeniedError()
    exchange.scope[EXCHANGE_KEY] = exchange
    response = await respond(HTTPConnection(exchange.scope), error)
    assert isinstance(response, ProblemResponse)
    assert exchange.failure is error
    answer = Answer()
    await response(exchange.scope, receiver(), answer.send)
    assert answer.status == 403


async def test_what_is_no_refusal_is_raised_again():
    with pytest.raises(ValueError, match="other"):
        await respond(HTTPConnection(make_scope()), ValueError("other"))


async def test_a_refusal_outside_the_pipeline_is_a_mistake_of_the_setup():
    with pytest.raises(ConfigurationError, match="outside"):
        await respond(HTTPConnection(make_scope()), PermissionDeniedError())
