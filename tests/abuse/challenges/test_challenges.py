from __future__ import annotations

from collections.abc import AsyncIterator
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Form, Request
from pydantic import BaseModel
from starlette.endpoints import HTTPEndpoint
from starlette.responses import PlainTextResponse

from tests.pipeline.asgi import client
from zenith.abuse import ProofRequiredError, solve
from zenith.abuse.challenges import (
    ChallengePageGuard,
    Challenges,
    ChallengeSettings,
    ProofProvider,
    ShowsChallenge,
    require_challenge,
    shows_challenge,
)
from zenith.headers import HeadersGuard
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.pipeline import SecurityMiddleware, marks_of
from zenith.stores.memory import MemoryAttemptStore

KEYS = [Secret("k" * 20 + "0123456789abcdef")]
HERE = "203.0.113.9"
SOURCES = {"script_src": ("https://c.example",), "frame_src": ("https://c.example",)}


class World:
    def __init__(self, settings: ChallengeSettings | None = None) -> None:
        self.now = 1_000_000.0
        self.provider = ProofProvider(KEYS, numbers=50, clock=lambda: self.now)
        self.store = MemoryAttemptStore()
        self.challenges = Challenges(
            self.provider, self.store, KEYS, settings, clock=lambda: self.now
        )

    def token(self, action: str = "contact", where: str = HERE) -> str:
        return solve(dict(self.provider.widget(action=action, client=where).challenge))

    async def passes(self, token: str = "", action: str = "contact", where: str = HERE) -> bool:
        try:
            await self.challenges.require(token, action=action, client=where)
        except ProofRequiredError:
            return False
        return True


async def test_work_is_for_one_action_of_one_client_and_passes_once() -> None:
    world = World()
    token = world.token()
    assert not await world.passes(token, action="other")
    assert not await world.passes(token, where="203.0.113.10")
    assert await world.passes(token)
    assert not await world.passes(token)
    late = world.token()
    world.now += 301
    assert not await world.passes(late, where="203.0.113.11")
    six = world.token(where="2001:db8::1")
    assert await world.passes(six, where="2001:db8::2")


async def test_the_refusal_brings_what_is_to_be_solved() -> None:
    world = World()
    with pytest.raises(ProofRequiredError) as caught:
        await world.challenges.require("", action="contact", client=HERE)
    assert caught.value.retry_after == 60
    assert await world.passes(solve(caught.value.challenge.as_json()))


async def test_who_has_no_javascript_waits_one_at_a_time() -> None:
    world = World()
    assert not await world.passes()
    world.now += 59
    assert not await world.passes()
    world.now += 1
    assert await world.passes()
    assert not await world.passes()
    world.now += 500
    assert not await world.passes()


async def test_zeniths_own_actions_ask_when_they_are_told_to() -> None:
    world = World(ChallengeSettings(register="always", sign_in="after_failures", after=2))
    asks = world.challenges.asks
    assert [await asks(each, HERE) for each in ("register", "sign_in", "reset_password")] == [
        *(True, False, False)
    ]
    for _ in range(2):
        assert await world.challenges.admit("", action="sign_in", client=HERE) is None
        await world.challenges.failed("sign_in", HERE)
        await world.challenges.failed("register", HERE)
    assert await asks("sign_in", HERE)
    assert not await asks("sign_in", "203.0.113.10")
    with pytest.raises(ProofRequiredError):
        await world.challenges.admit("", action="sign_in", client=HERE)
    token = world.token("sign_in")
    assert await world.challenges.admit(token, action="sign_in", client=HERE) is not None
    widget = await world.challenges.offer("register", HERE)
    assert widget is not None
    assert (widget.provider, widget.token_field) == ("proof_of_work", "altcha")
    assert await world.challenges.offer("reset_password", HERE) is None
    world.now += 3601
    assert not await asks("sign_in", HERE)
    await world.challenges.failed("sign_in", HERE)
    assert not await asks("sign_in", HERE)


class Body(BaseModel):
    text: str


def application(world: World) -> Any:
    app = FastAPI()

    @app.post("/form", dependencies=[require_challenge("contact")])
    async def form(text: Annotated[str, Form()]) -> str:
        return text

    @app.post("/json", dependencies=[require_challenge("contact")])
    async def json(body: Body) -> str:
        return body.text

    @app.post("/bare", dependencies=[require_challenge("contact")])
    async def bare() -> str:
        return "bare"

    @app.get("/page")
    @shows_challenge
    async def page() -> str:
        return "page"

    @app.get("/other")
    async def other() -> str:
        return "other"

    headers = HeadersGuard(more_sources={ShowsChallenge: SOURCES})
    guards = [headers, ChallengePageGuard()]
    return SecurityMiddleware(app, guards=guards, services={Challenges: world.challenges})


@pytest.mark.parametrize(
    ("headers", "starts"),
    [
        ([], True),
        ([HeadersGuard(more_sources={ShowsChallenge: SOURCES})], True),
        ([HeadersGuard(more_sources={ShowsChallenge: {}})], True),
        ([HeadersGuard()], False),
    ],
)
async def test_a_page_whose_policy_keeps_the_challenge_out_refuses_the_start(headers, starts):
    app = FastAPI()

    @app.get("/other")
    async def other() -> str:
        return "other"

    secured = SecurityMiddleware(app, guards=[*headers, ChallengePageGuard()])
    secured.prepare()

    @app.get("/page")
    @shows_challenge
    async def page() -> str:
        return "page"

    if starts:
        secured.prepare()
    else:
        with pytest.raises(ConfigurationError, match="/page shows a challenge"):
            secured.prepare()


async def test_routes_of_the_application_ask() -> None:
    world = World()
    async with client(application(world)) as http:
        refused = await http.post("/form", data={"text": "hi"})
        assert refused.status_code == 429
        assert refused.json()["code"] == "proof_of_work_required"
        where = "127.0.0.1"
        token = world.token(where=where)
        found = await http.post("/form", data={"text": "hi", "altcha": token})
        assert (found.status_code, found.json()) == (200, "hi")
        token = world.token(where=where)
        found = await http.post("/form", files={"text": (None, "hi"), "altcha": (None, token)})
        assert found.status_code == 200
        body = {"text": "hi", "challenge": world.token(where=where)}
        assert (await http.post("/json", json=body)).status_code == 200
        assert (await http.post("/json", json=body)).status_code == 429
        headers = {"X-Challenge": world.token(where=where)}
        assert (await http.post("/json", json={"text": "hi"}, headers=headers)).status_code == 200
        for wrong in ({"content": b"[1]"}, {"content": b"{"}, {"json": {"challenge": 7}}):
            answer = await http.post("/json", headers={"content-type": "application/json"}, **wrong)
            assert answer.status_code in (422, 429)
        answer = await http.post("/json", content=b"text", headers={"content-type": "text/plain"})
        assert answer.status_code in (422, 429)


async def test_json_of_great_depth_is_no_token() -> None:
    async with client(application(World())) as http:
        headers = {"content-type": "application/json"}
        answer = await http.post("/bare", content=b"[" * 100_000, headers=headers)
    assert answer.status_code == 429


async def test_only_pages_that_show_it_let_the_provider_in() -> None:
    async with client(application(World())) as http:
        page, other = await http.get("/page"), await http.get("/other")
    assert "frame-src https://c.example" in page.headers["content-security-policy"]
    assert "c.example" not in other.headers["content-security-policy"]


@pytest.mark.parametrize("action", ["", "a b", "x" * 33])
def test_an_action_is_a_word(action: str) -> None:
    with pytest.raises(ConfigurationError):
        require_challenge(action)


def decorated() -> FastAPI:
    app = FastAPI()
    contact = require_challenge("contact")

    @app.post("/form")
    @contact
    async def form(text: Annotated[str, Form()]) -> str:
        return text

    @app.post("/json")
    @require_challenge("contact")
    async def json(body: Body, request: Request) -> str:
        return body.text

    @app.post("/plain")
    @contact
    def plain(text: Annotated[str, Form()]) -> str:
        return text

    @app.post("/stream")
    @contact
    async def stream(body: Body) -> AsyncIterator[str]:
        yield body.text

    @contact
    async def starlette(request: Request) -> PlainTextResponse:
        return PlainTextResponse((await request.form())["text"])

    @contact
    class Endpoint(HTTPEndpoint):
        async def post(self, request: Request) -> PlainTextResponse:
            return PlainTextResponse("class")

    @contact
    def sync(request: Request, **more: Any) -> PlainTextResponse:
        assert not more
        return PlainTextResponse("sync")

    app.add_route("/starlette", starlette, methods=["POST"])
    app.add_route("/class", Endpoint)
    app.add_route("/sync", sync, methods=["POST"])
    return app


def around(app: Any, world: World) -> Any:
    guards = [HeadersGuard(more_sources={ShowsChallenge: SOURCES}), ChallengePageGuard()]
    secured = SecurityMiddleware(app, guards=guards, services={Challenges: world.challenges})
    secured.prepare()
    return secured


@pytest.mark.parametrize("path", ["/form", "/plain", "/starlette"])
async def test_a_decorated_endpoint_asks_forms(path: str) -> None:
    world = World()
    async with client(around(decorated(), world)) as http:
        refused = await http.post(path, data={"text": "hi"})
        assert (refused.status_code, refused.json()["code"]) == (429, "proof_of_work_required")
        form = {"text": "hi", "altcha": world.token(where="127.0.0.1")}
        found = await http.post(path, data=form)
        assert (found.status_code, found.text.strip('"')) == (200, "hi")
        assert (await http.post(path, data=form)).status_code == 429


@pytest.mark.parametrize("path", ["/json", "/stream"])
async def test_a_decorated_endpoint_asks_json_before_it_answers(path: str) -> None:
    world = World()
    async with client(around(decorated(), world)) as http:
        assert (await http.post(path, json={"text": "hi"})).status_code == 429
        body = {"text": "hi", "challenge": world.token(where="127.0.0.1")}
        found = await http.post(path, json=body)
        assert (found.status_code, found.text.strip('"\n')) == (200, "hi")


@pytest.mark.parametrize("path", ["/class", "/sync", "/form"])
async def test_what_is_not_given_the_body_looks_at_the_header(path: str) -> None:
    world = World()
    async with client(around(decorated(), world)) as http:
        form = {"text": "hi"}
        assert (await http.post(path, data=form)).status_code == 429
        headers = {"X-Challenge": world.token(where="127.0.0.1")}
        assert (await http.post(path, data=form, headers=headers)).status_code == 200


async def test_an_application_of_another_framework_asks() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("in")(scope, receive, send)

    class Application:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await app(scope, receive, send)

    world = World()
    async with client(around(require_challenge("contact")(Application()), world)) as http:
        assert (await http.post("/")).status_code == 429
        headers = {"X-Challenge": world.token(where="127.0.0.1")}
        assert (await http.post("/", headers=headers)).text == "in"


async def test_a_decorator_above_the_routes_refuses_the_start() -> None:
    app = FastAPI()

    @require_challenge("contact")
    @app.post("/form")
    async def form() -> str:
        return "unasked"

    with pytest.raises(ConfigurationError, match="<challenge: contact> was attached after"):
        around(app, World())


@require_challenge("contact")
async def early(body: Later, other: int = 1) -> str:
    return body.text


class Later(Body):
    """Named above before it is there."""


async def test_what_is_named_later_is_known_to_the_framework() -> None:
    app = FastAPI()
    app.post("/form")(early)
    world = World()
    async with client(around(app, world)) as http:
        body = {"text": "hi", "challenge": world.token(where="127.0.0.1")}
        assert (await http.post("/form", json=body)).json() == "hi"


def test_the_list_of_routes_says_so() -> None:
    (route,) = [each for each in decorated().routes if getattr(each, "path", "") == "/form"]
    (mark,) = marks_of(route.endpoint)
    assert mark.note() == "after the challenge `contact`"


@pytest.mark.parametrize("path", ["/bare", "/form", "/starlette"])
@pytest.mark.parametrize("met", [True, False])
async def test_files_that_came_with_a_form_are_closed(
    path: str, met: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []

    class Watched(SpooledTemporaryFile[bytes]):
        def __init__(self, *given: Any, **more: Any) -> None:
            super().__init__(*given, **more)
            made.append(self)

    monkeypatch.setattr("starlette.formparsers.SpooledTemporaryFile", Watched)
    world = World()
    app = application(world) if path == "/bare" else around(decorated(), world)
    async with client(app) as http:
        files = {"file": ("a.bin", b"x" * 10), "text": (None, "hi")}
        if met:
            files["altcha"] = (None, world.token(where="127.0.0.1"))
        answer = await http.post(path, files=files)
    assert answer.status_code == (200 if met else 429)
    (file,) = made
    # Starlette leaves to the handler what the handler has read.
    assert file.closed or (met and path == "/starlette")
    file.close()
