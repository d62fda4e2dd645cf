from __future__ import annotations

import asyncio

import pytest
from fastapi import FastAPI, HTTPException, WebSocket
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.routing import Route

from tests.pipeline.asgi import (
    Answer,
    ask,
    client,
    connect,
    hello,
    make_scope,
    receiver,
    websocket_scope,
)
from zenith.kernel.clock import steady_clock
from zenith.kernel.errors import (
    ConfigurationError,
    PayloadTooLargeError,
    PermissionDeniedError,
)
from zenith.pipeline import (
    Guard,
    Mark,
    SecurityMiddleware,
    Stage,
    add_mark,
    deadlines,
    exchange_of,
    running_exchange,
)


class Recorder(Guard):
    def __init__(self, stage, log, *, error=None):
        self.stage, self.log, self.error = stage, log, error

    async def on_request(self, exchange):
        self.log.append(f"> {self.stage.name}")
        if self.error is not None:
            raise self.error

    async def on_response(self, exchange):
        self.log.append(f"< {self.stage.name} {exchange.status}")
        exchange.response_headers.append((b"x-guard", self.stage.name.encode()))


class Stamp(Guard):
    stage = Stage.HEADERS

    async def on_response(self, exchange):
        exchange.response_headers.append((b"x-stamp", b"yes"))


async def test_requests_pass_downwards_and_responses_upwards():
    log = []
    guards = [Recorder(stage, log) for stage in (Stage.CSRF, Stage.AUDIT, Stage.TRANSPORT)]
    answer = await ask(SecurityMiddleware(hello, guards=guards), make_scope())
    assert answer.body == b"hello"
    assert log == [
        "> AUDIT",
        "> TRANSPORT",
        "> CSRF",
        "< CSRF 200",
        "< TRANSPORT 200",
        "< AUDIT 200",
    ]


async def test_guards_of_one_stage_keep_their_order():
    log = []
    first, second = Recorder(Stage.CSRF, log), Recorder(Stage.CSRF, log)
    assert SecurityMiddleware(hello, guards=[first, second]).guards == (first, second)


async def test_a_refusal_passes_all_guards_on_its_way_out():
    log = []
    guards = [
        Recorder(Stage.AUDIT, log),
        Recorder(Stage.TRANSPORT, log, error=PermissionDeniedError(reason="no")),
        Recorder(Stage.CSRF, log),
    ]
    answer = await ask(SecurityMiddleware(hello, guards=guards), make_scope())
    assert answer.status == 403
    assert log == ["> AUDIT", "> TRANSPORT", "< CSRF 403", "< TRANSPORT 403", "< AUDIT 403"]


def frameworks():
    fastapi, marked = FastAPI(), PermissionDeniedError("not you")

    @fastapi.get("/fails")
    async def fails():
        raise ValueError("broken")

    @fastapi.get("/refuses")
    async def refuses():
        raise marked

    @fastapi.get("/http")
    async def http():
        raise HTTPException(409, "conflict")

    async def raises(request):
        raise ValueError("broken")

    async def denies(request):
        raise marked

    async def conflicts(request):
        raise HTTPException(409, "conflict")

    starlette = Starlette(
        routes=[Route("/fails", raises), Route("/refuses", denies), Route("/http", conflicts)]
    )

    async def passed(request, call_next):
        return await call_next(request)

    layered = Starlette(
        routes=list(starlette.routes),
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=passed)],
    )
    return {"fastapi": fastapi, "starlette": starlette, "layered": layered}


@pytest.mark.parametrize("name", ["fastapi", "starlette", "layered"])
@pytest.mark.parametrize(
    ("path", "status"),
    [("/missing", 404), ("/fails", 500), ("/refuses", 403), ("/http", 409), ("/http/", 307)],
)
async def test_every_page_of_the_framework_passes_the_guards(name, path, status):
    async with client(SecurityMiddleware(frameworks()[name], guards=[Stamp()])) as http:
        answer = await http.get(path)
    assert (answer.status_code, answer.headers["x-stamp"]) == (status, "yes")
    assert "broken" not in answer.text
    if path == "/refuses":
        assert answer.json()["detail"] == "not you"


async def test_an_unforeseen_failure_is_answered_and_goes_on_to_the_server():
    async def broken(scope, receive, send):
        raise ValueError("secret detail")

    answer = Answer()
    with pytest.raises(ValueError, match="secret"):
        await SecurityMiddleware(broken, guards=[Stamp()])(make_scope(), receiver(), answer.send)
    assert (answer.status, answer.headers[b"x-stamp"]) == (500, b"yes")
    assert b"secret" not in answer.body


async def test_a_failure_after_the_response_began_changes_nothing_of_it():
    async def late(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("late")

    async def refused_late(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise PermissionDeniedError

    async def confused_late(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        exchange_of(scope).refusal = PayloadTooLargeError()
        raise exchange_of(scope).refusal

    apps = {
        late: ValueError,
        refused_late: PermissionDeniedError,
        confused_late: PayloadTooLargeError,
    }
    for app, error in apps.items():
        answer = Answer()
        with pytest.raises(error):
            await SecurityMiddleware(app, guards=[])(make_scope(), receiver(), answer.send)
        assert len(answer.messages) == 1


async def test_what_a_refusal_led_to_is_no_failure_of_the_application():
    async def confused(scope, receive, send):
        exchange_of(scope).refusal = PayloadTooLargeError()
        raise RuntimeError("what shall I make of this?")

    assert (await ask(SecurityMiddleware(confused, guards=[]), make_scope())).status == 413


async def test_an_application_that_answers_in_spite_of_a_refusal():
    async def careless(scope, receive, send):
        exchange_of(scope).refusal = PayloadTooLargeError()
        await hello(scope, receive, send)
        raise RuntimeError("and then fails")

    answer = await ask(SecurityMiddleware(careless, guards=[]), make_scope())
    assert (answer.status, len(answer.messages)) == (413, 2)


class Settling(Guard):
    """Keeps or drops what a request has done; takes its time over both."""

    stage = Stage.AUDIT

    def __init__(self, *, error=None):
        self.asked, self.error = [], error

    def on_request(self, exchange):
        exchange.settle = self.settle

    async def settle(self, status):
        await asyncio.sleep(0)
        self.asked.append(status)
        if self.error is not None:
            raise self.error


async def test_what_a_request_did_is_settled_before_the_answer_and_at_the_end():
    guard = Settling()
    assert (await ask(SecurityMiddleware(hello, guards=[guard]), make_scope())).status == 200
    assert guard.asked == [200, None]


async def test_what_cannot_be_settled_is_refused_and_holds_nothing_back():
    guard = Settling(error=PayloadTooLargeError())
    secured = SecurityMiddleware(hello, guards=[guard])
    with pytest.raises(PayloadTooLargeError):
        await ask(secured, make_scope())
    assert guard.asked == [200, None]
    assert not secured._deadlines._running
    with pytest.raises(ConfigurationError):
        running_exchange()


async def test_a_cancelled_request_stays_cancelled():
    async def slow(scope, receive, send):
        await asyncio.sleep(60)

    task = asyncio.create_task(ask(SecurityMiddleware(slow, guards=[]), make_scope()))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancelled_request_whose_response_began_stays_cancelled():
    async def slow(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(60)

    task = asyncio.create_task(ask(SecurityMiddleware(slow, guards=[]), make_scope()))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_sockets():
    log = []
    guards = [Recorder(Stage.AUDIT, log)]
    answer = await connect(SecurityMiddleware(hello, guards=guards), websocket_scope())
    assert [message["type"] for message in answer.messages] == [
        "websocket.accept",
        "websocket.close",
    ]
    assert log == ["> AUDIT"]


async def test_a_refused_socket_is_closed_before_it_opens():
    guards = [Recorder(Stage.AUDIT, [], error=PermissionDeniedError())]
    answer = await connect(SecurityMiddleware(hello, guards=guards), websocket_scope())
    assert answer.messages == [
        {"type": "websocket.close", "code": 1008, "reason": "Permission denied"}
    ]


async def test_a_socket_can_be_refused_after_it_opened():
    app = FastAPI()

    @app.websocket("/socket")
    async def socket(websocket: WebSocket):
        await websocket.accept()
        raise PermissionDeniedError

    answer = await connect(SecurityMiddleware(app, guards=[]), websocket_scope("/socket"))
    assert [message["type"] for message in answer.messages] == [
        "websocket.accept",
        "websocket.close",
    ]
    assert answer.messages[-1]["code"] == 1008


async def test_headers_of_an_accepted_handshake_pass_the_guards_outwards():
    class Signing(Guard):
        def __init__(self, stage):
            self.stage = stage

        def on_accept(self, exchange, headers):
            headers.append((b"x-signed", self.stage.name.encode()))

    async def application(scope, receive, send):
        await send({"type": "websocket.accept", "headers": [(b"a", b"1")]})

    guards = [Signing(Stage.HEADERS), Signing(Stage.CSRF), Stamp()]
    answer = await connect(SecurityMiddleware(application, guards=guards), websocket_scope())
    signed = [(b"x-signed", b"CSRF"), (b"x-signed", b"HEADERS")]
    assert answer.messages[0]["headers"] == [(b"a", b"1"), *signed]


async def test_guards_may_lead_a_request_elsewhere_before_its_route_is_found():
    class Leading(Guard):
        stage = Stage.TRANSPORT

        def readdress(self, scope):
            return scope | {"path": "/there"}

    app, seen = FastAPI(), []

    @app.get("/there")
    async def there():
        seen.append(running_exchange().route)

    scope = make_scope(path="/here")
    assert (await ask(SecurityMiddleware(app, guards=[Leading(), Stamp()]), scope)).status == 200
    assert (seen, scope["path"]) == (["/there"], "/here")


async def test_handlers_find_the_exchange_and_its_services():
    app, found = FastAPI(), []

    @app.get("/sync")
    def in_thread():
        found.append(running_exchange().service(int))

    @app.get("/async")
    async def in_loop():
        found.append(running_exchange().service(int))

    protected = SecurityMiddleware(app, guards=[], services={int: 7})
    async with client(protected) as http:
        assert (await http.get("/sync")).status_code == 200
        assert (await http.get("/async")).status_code == 200
    assert found == [7, 7]
    with pytest.raises(ConfigurationError):
        running_exchange()


class Flag(Mark):
    pass


async def test_the_route_is_known_before_the_application_runs():
    app, seen, flag = FastAPI(), [], Flag()

    class Watch(Guard):
        stage = Stage.AUDIT

        async def on_request(self, exchange):
            seen.append((exchange.route, exchange.marks, exchange.max_body_size))

    @app.post("/items/{item}", max_body_size=5)
    async def endpoint(item: str): ...

    add_mark(endpoint, flag)
    async with client(SecurityMiddleware(app, guards=[Watch()])) as http:
        await http.post("/items/1")
        await http.get("/missing")
    assert seen == [("/items/{item}", (flag,), 5), ("", (), None)]


async def test_routes_added_while_running_are_checked_before_they_serve():
    app, checked = FastAPI(), []

    def check(table, guards):
        checked.append(len(list(table.walk())))
        if any(entry.path == "/bad" for entry in table.walk()):
            raise ConfigurationError("bad route")

    protected = SecurityMiddleware(app, guards=[], checks=[check])

    async def endpoint():
        return "ok"

    async with client(protected) as http:
        assert (await http.get("/new")).status_code == 404
        app.get("/new")(endpoint)
        assert (await http.get("/new")).json() == "ok"
        assert (await http.get("/new")).json() == "ok"
        assert len(checked) == 2
        app.get("/bad")(endpoint)
        with pytest.raises(ConfigurationError):
            await ask(protected, make_scope(path="/bad"))


async def test_a_guards_own_check_runs_too():
    class Checker(Stamp):
        def check(self, table, guards):
            raise ConfigurationError("refused")

    with pytest.raises(ConfigurationError, match="refused"):
        await ask(SecurityMiddleware(hello, guards=[Checker()]), make_scope())


class Layer:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)


class Loop(Layer):
    def __init__(self):
        super().__init__(self)

    async def __call__(self, scope, receive, send):
        await hello(scope, receive, send)


async def test_routes_are_found_behind_other_middlewares():
    app = FastAPI(openapi_url=None)

    @app.get("/a")
    async def endpoint(): ...

    for wrapped in (app, Layer(app), Layer(Layer(app))):
        table = SecurityMiddleware(wrapped, guards=[]).prepare()
        assert [entry.path for entry in table.walk()] == ["/a"]
    table = SecurityMiddleware(hello, guards=[], routes_from=app).prepare()
    assert [entry.path for entry in table.walk()] == ["/a"]


@pytest.mark.parametrize("app", [hello, Layer(hello), Loop()])
async def test_an_opaque_application_is_one_entry(app):
    entries = list(SecurityMiddleware(app, guards=[]).prepare().walk())
    assert [(entry.kind, entry.path) for entry in entries] == [("mount", "/")]
    assert (await ask(SecurityMiddleware(app, guards=[]), make_scope())).body == b"hello"


async def test_many_at_once_start_the_guards_once():
    starts = 0

    class Slow(Guard):
        stage = Stage.AUDIT

        async def startup(self):
            nonlocal starts
            starts += 1
            await asyncio.sleep(0.01)

    app = SecurityMiddleware(hello, guards=[Slow()])
    await asyncio.gather(*(ask(app, make_scope()) for _ in range(20)))
    assert starts == 1


async def test_a_request_past_its_deadline_is_refused(monkeypatch):
    monkeypatch.setattr(deadlines, "INTERVAL", 0.01)

    class Hurry(Guard):
        stage = Stage.TRANSPORT

        async def on_request(self, exchange):
            exchange.deadline = steady_clock() + 0.03

    async def slow(scope, receive, send):
        await asyncio.sleep(60)

    answer = await ask(SecurityMiddleware(slow, guards=[Hurry(), Stamp()]), make_scope())
    assert (answer.status, answer.headers[b"x-stamp"]) == (504, b"yes")
    assert asyncio.current_task().cancelling() == 0
