from __future__ import annotations

import pytest

from tests.pipeline.asgi import make_exchange
from zenith.authentication import AuthenticationGuard, LastingScheme
from zenith.kernel.errors import (
    AuthenticationError,
    BadRequestError,
    ConflictError,
    ServiceUnavailableError,
)
from zenith.kernel.principal import ANONYMOUS, Principal
from zenith.pipeline import Stage

ALICE = Principal(subject="alice", scheme="bearer")
BOB = Principal(subject="bob", scheme="session")


class Fake:
    def __init__(self, result=None, *, name="fake", challenge=None):
        self.result, self.name, self.challenge, self.asked = result, name, challenge, 0

    async def authenticate(self, exchange):
        self.asked += 1
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


async def authenticate(*schemes):
    exchange = make_exchange()
    waiting = AuthenticationGuard(schemes).on_request(exchange)
    if waiting is not None:
        await waiting
    return exchange


class Recalling(Fake):
    """One that says at once what it knows: its principal, ANONYMOUS or None."""

    def __init__(self, recalled, result=None):
        super().__init__(result)
        self.recalled = recalled

    def recall(self, exchange):
        return self.recalled


def test_it_stands_before_csrf_and_authorization():
    assert Stage.SESSION < AuthenticationGuard.stage < Stage.CSRF


async def test_without_a_credential_the_caller_is_anonymous():
    exchange = await authenticate(Fake(), Fake())
    assert exchange.principal is ANONYMOUS
    assert exchange.failure is None
    assert (await authenticate()).principal is ANONYMOUS


async def test_the_first_scheme_that_finds_its_credential_decides():
    last = Fake(BOB)
    exchange = await authenticate(Fake(), Fake(ALICE), last)
    assert exchange.principal is ALICE
    assert last.asked == 0


async def test_a_credential_that_does_not_hold_is_not_replaced_by_another():
    """Else a thief's dead token would still ride on the cookie beside it."""
    error, last = AuthenticationError("expired"), Fake(BOB)
    exchange = await authenticate(Fake(error), last)
    assert exchange.principal is ANONYMOUS
    assert exchange.failure is error
    assert last.asked == 0


@pytest.mark.parametrize("error", [BadRequestError(), ServiceUnavailableError(), ValueError()])
async def test_what_cannot_be_known_is_refused_at_once(error):
    with pytest.raises(type(error)):
        await authenticate(Fake(error))


async def challenges(status, *schemes, headers=()):
    exchange = make_exchange()
    exchange.status, exchange.response_headers = status, list(headers)
    AuthenticationGuard(schemes).on_response(exchange)
    return [value for name, value in exchange.response_headers if name == b"www-authenticate"]


async def test_a_401_says_how_to_authenticate():
    schemes = Fake(challenge="Bearer"), Fake(), Fake(challenge='ApiKey realm="x"')
    assert await challenges(401, *schemes) == [b"Bearer", b'ApiKey realm="x"']
    assert await challenges(401) == []
    assert await challenges(200, *schemes) == []
    assert await challenges(403, *schemes) == []


async def test_an_answer_that_says_so_itself_is_left_alone():
    own = [(b"x", b"y"), (b"www-authenticate", b"DPoP")]
    assert await challenges(401, Fake(challenge="Bearer"), headers=own) == [b"DPoP"]
    assert await challenges(401, Fake(challenge="Bearer"), headers=own[:1]) == [b"Bearer"]


async def test_what_was_judged_before_is_not_waited_for():
    known, never = Recalling(ALICE), Fake(BOB)
    assert (await authenticate(Recalling(ANONYMOUS), known, never)).principal is ALICE
    assert (known.asked, never.asked) == (0, 0)
    assert (await authenticate(Recalling(ANONYMOUS))).principal is ANONYMOUS


async def test_who_cannot_tell_at_once_is_asked_before_those_behind():
    """Else the cookie beside a token that must be verified would speak for the caller."""
    judged, behind = Recalling(None, ALICE), Recalling(BOB)
    assert (await authenticate(Recalling(ANONYMOUS), judged, behind)).principal is ALICE
    assert judged.asked == 1
    error = AuthenticationError("expired")
    assert (await authenticate(Recalling(None, error), Recalling(BOB))).failure is error
    # One that never tells at once is asked, and so is everybody behind it.
    assert (await authenticate(Fake(), Recalling(None, BOB))).principal is BOB


class Lasting(Fake):
    """One that judges once more; `later` is what it says then."""

    def __init__(self, result, later):
        super().__init__(result)
        self.later, self.reconsidered, self.uses = later, 0, 0

    async def reconsider(self, exchange, *, used):
        self.reconsidered += 1
        self.uses += used
        if isinstance(self.later, Exception):
            raise self.later
        return self.later


class LastingRecalling(Lasting):
    def recall(self, exchange):
        return self.result


def sending(guard, *chunks, method="POST", **more):
    """A request whose body comes in pieces, each after some seconds of the steady clock."""
    exchange = make_exchange(method=method, **more)
    pieces = list(chunks)

    async def receive():
        seconds, message = pieces.pop(0)
        guard._steady.now += seconds
        return message

    exchange.receive = receive
    return exchange


class Steady:
    now = 100.0

    def __call__(self):
        return self.now


def part(body=b"x", *, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


async def arriving(scheme, *chunks, **more):
    guard = AuthenticationGuard([scheme], steady=Steady())
    exchange = sending(guard, *chunks, **more)
    waiting = guard.on_request(exchange)
    if waiting is not None:
        await waiting
    for _, message in chunks:
        assert await exchange.receive() == message
    return exchange


@pytest.mark.parametrize("kind", [Lasting, LastingRecalling])
async def test_a_slow_body_is_judged_at_its_end_and_no_quick_one(kind):
    quick, slow, dripping = (kind(ALICE, ALICE) for _ in range(3))
    await arriving(quick, (0.9, part()))
    await arriving(slow, (1.0, part()))
    await arriving(dripping, (20.0, part(more=True)), (9.0, part(b"", more=True)), (0.0, part()))
    assert [each.reconsidered for each in (quick, slow, dripping)] == [0, 1, 1]


@pytest.mark.parametrize(
    ("later", "refusal"),
    [
        (None, AuthenticationError),
        (AuthenticationError("revoked"), AuthenticationError),
        (ServiceUnavailableError(), ServiceUnavailableError),
        (Principal(subject="alice", roles=frozenset({"x"}), scheme="bearer"), ConflictError),
    ],
)
async def test_whoever_is_another_by_then_hands_in_nothing(later, refusal):
    guard = AuthenticationGuard([Lasting(ALICE, later)], steady=Steady())
    exchange = sending(guard, (0.0, part(more=True)), (1.0, part()))
    await guard.on_request(exchange)
    await exchange.receive()
    with pytest.raises(refusal):
        await exchange.receive()
    assert isinstance(exchange.refusal, refusal), "frameworks make something else of it"


async def test_what_brings_no_body_is_not_judged_twice():
    scheme = Lasting(ALICE, None)
    await arriving(scheme, (5.0, part()), method="GET")
    await arriving(scheme, (5.0, {"type": "http.disconnect"}))
    await arriving(Lasting(None, None), (5.0, part()))
    await arriving(Fake(ALICE), (5.0, part()))
    assert scheme.reconsidered == 0


def said(text="x"):
    return {"type": "websocket.receive", "text": text}


async def opened(scheme, *chunks):
    guard = AuthenticationGuard([scheme], steady=Steady())
    exchange = sending(guard, *chunks, type="websocket")
    waiting = guard.on_request(exchange)
    if waiting is not None:
        await waiting
    return exchange


@pytest.mark.parametrize("kind", [Lasting, LastingRecalling])
async def test_a_socket_is_judged_with_its_messages_once_a_second(kind):
    scheme = kind(ALICE, ALICE)
    chunks = (
        (5.0, {"type": "websocket.connect"}),
        (0.0, said()),
        (0.9, said()),
        (0.1, said()),
        (9.0, {"type": "websocket.disconnect", "code": 1000}),
    )
    exchange = await opened(scheme, *chunks)
    asked = []
    for _, message in chunks:
        assert await exchange.receive() == message
        asked.append(scheme.reconsidered)
    assert asked == [0, 1, 1, 2, 2]
    assert exchange.refusal is None


@pytest.mark.parametrize(
    ("later", "refusal"),
    [
        (None, AuthenticationError),
        (AuthenticationError("revoked"), AuthenticationError),
        (ServiceUnavailableError(), ServiceUnavailableError),
        (Principal(subject="alice", roles=frozenset({"x"}), scheme="bearer"), ConflictError),
    ],
)
async def test_a_socket_whose_caller_is_another_by_then_says_nothing_more(later, refusal):
    scheme = Lasting(ALICE, later)
    exchange = await opened(scheme, (1.0, said()), (0.0, said()))
    for _ in range(2):
        with pytest.raises(refusal):
            await exchange.receive()
    assert scheme.reconsidered == 1, "nor does one that was refused come back"


async def test_what_leaves_by_a_socket_is_asked_about_once_a_second_and_is_no_use():
    scheme = Lasting(ALICE, ALICE)
    exchange = await opened(scheme, (0.0, said()), (1.0, said()))
    steady = exchange.receive._steady
    for seconds, judged in ((0.0, 0), (0.9, 0), (0.1, 1), (0.5, 1), (0.5, 2)):
        steady.now += seconds
        assert await exchange.still()
        assert (scheme.reconsidered, scheme.uses) == (judged, 0)
    for _ in range(2):
        await exchange.receive()
    assert scheme.uses == 2, "a message is one, whatever was sent meanwhile"
    scheme.later = None
    steady.now += 1.0
    for _ in range(2):
        assert not await exchange.still()
    assert isinstance(exchange.refusal, AuthenticationError)
    assert scheme.reconsidered == 5


@pytest.mark.parametrize(
    ("kind", "method", "is_held"),
    [
        (b"text/event-stream", "GET", True),
        (b"text/event-stream; charset=utf-8", "POST", True),
        (b"application/pdf", "GET", False),
    ],
)
async def test_streams_of_events_are_asked_about(kind, method, is_held):
    guard = AuthenticationGuard([Lasting(ALICE, None)], steady=Steady())
    exchange = make_exchange(method=method)
    await guard.on_request(exchange)
    exchange.status, exchange.response_headers = 200, [(b"content-type", kind)]
    guard.on_response(exchange)
    assert (exchange.still is not None) is is_held
    if is_held:
        assert await exchange.still()
        guard._steady.now += 1.0
        assert not await exchange.still()


async def test_a_socket_of_nobody_and_one_that_cannot_be_judged_stay():
    for scheme in (Lasting(None, None), Fake(ALICE)):
        exchange = await opened(scheme, (5.0, said()))
        assert await exchange.receive() == said()


def test_schemes_that_last_are_known_as_such():
    assert isinstance(Lasting(ALICE, ALICE), LastingScheme)
    assert not isinstance(Fake(ALICE), LastingScheme)
