from __future__ import annotations

import re

import pytest

from tests.pipeline.asgi import make_exchange, make_scope, receiver, websocket_scope
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.principal import ANONYMOUS
from zenith.pipeline import (
    EXCHANGE_KEY,
    Exchange,
    Mark,
    current_exchange,
    exchange_of,
    running_exchange,
)


class A(Mark):
    pass


class B(Mark):
    pass


def test_what_is_known_at_first():
    exchange = make_exchange("POST", "/a", headers=[("x", "é")])
    assert (exchange.method, exchange.path, exchange.client) == ("POST", "/a", "203.0.113.9")
    assert exchange.principal is ANONYMOUS
    assert exchange.header(b"x") == "é"
    assert exchange.header(b"y") == ""
    assert (exchange.host, exchange.route, exchange.marks, exchange.status) == ("", "", (), 0)
    assert exchange.deadline == float("inf")
    assert not any((exchange.started, exchange.timed_out, exchange.secure))
    assert exchange.failure is exchange.refusal is None


def test_a_client_may_be_unknown():
    assert make_exchange(client=None).client == "unknown"


@pytest.mark.parametrize(
    ("scheme", "secure"), [("https", True), ("wss", True), ("http", False), ("ws", False)]
)
def test_secure(scheme, secure):
    assert make_exchange(scheme=scheme).secure is secure


@pytest.mark.parametrize(
    ("method", "safe"),
    [("GET", True), ("HEAD", True), ("OPTIONS", True), ("POST", False), ("get", False)],
)
def test_safe_methods(method, safe):
    assert make_exchange(method).is_safe is safe


def test_a_handshake_is_not_safe():
    exchange = Exchange(websocket_scope(), receiver())
    assert exchange.is_websocket
    assert (exchange.method, exchange.is_safe) == ("GET", False)
    assert not make_exchange().is_websocket


def test_ids_and_nonces_are_made_once_and_when_asked_for():
    first, second = make_exchange(headers=[("x-request-id", "chosen")]), make_exchange()
    assert not first.nonce_used
    assert first.nonce == first.nonce != second.nonce
    assert first.nonce_used
    assert first.request_id == first.request_id != second.request_id
    assert first.request_id != "chosen"
    assert re.fullmatch(r"[\w-]{22,}", first.nonce)


def test_cookies():
    headers = [
        ("cookie", 'a=1; b="two" ;c = 3; a=4; =x; bare;;'),
        ("x", "z=9"),
        ("cookie", "d=e=f; b=5"),
    ]
    exchange = make_exchange(headers=headers)
    assert exchange.cookies == {"a": "1", "b": "two", "c": "3", "d": "e=f"}
    assert exchange.cookies is exchange.cookies
    assert make_exchange().cookies == {}


def test_services():
    exchange = Exchange(make_scope(), receiver(), {int: 5, str: 6})
    assert exchange.service(int) == 5
    for kind in (float, str):
        with pytest.raises(ConfigurationError, match=f"no {kind.__name__}"):
            exchange.service(kind)


def test_the_last_mark_of_a_kind():
    exchange = make_exchange()
    assert exchange.mark(A) is None
    first, last = A(), A()
    exchange.marks = (first, last, B())
    assert exchange.mark(A) is last
    assert exchange.mark(Mark) is exchange.marks[-1]


def test_who_asks_outside_the_pipeline_must_not_go_on():
    for scope in ({}, {EXCHANGE_KEY: "something else"}):
        with pytest.raises(ConfigurationError, match="outside"):
            exchange_of(scope)
    with pytest.raises(ConfigurationError):
        running_exchange()


def test_inside_it_the_exchange_is_found():
    exchange = make_exchange()
    assert exchange_of({EXCHANGE_KEY: exchange}) is exchange
    token = current_exchange.set(exchange)
    assert running_exchange() is exchange
    current_exchange.reset(token)
