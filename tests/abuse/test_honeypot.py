from __future__ import annotations

import re
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse

from tests.pipeline.asgi import client
from zenith.abuse import Honeypot, check_honeypot, honeypot_field
from zenith.kernel.events import Event, EventSink, EventType
from zenith.kernel.keys import Secret
from zenith.pipeline import SecurityMiddleware

KEYS = [Secret("k" * 20 + "0123456789abcdef")]


class World:
    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.honeypot = Honeypot(KEYS, clock=lambda: self.now)

    def catches(self, stamp: str, *, trap: str = "", fastest: float = 2.0, form: str = "f") -> str:
        return self.honeypot.catches(form, trap=trap, stamp=stamp, fastest=fastest)


def test_people_take_their_time() -> None:
    world = World()
    stamp = world.honeypot.stamp("f")
    assert world.catches(stamp) == "sent within 0.0 s"
    assert world.catches(stamp, fastest=0.0) == ""
    world.now += 2
    assert world.catches(stamp) == ""
    assert world.catches(stamp, trap="https://spam.example") != ""
    assert world.catches(stamp, form="other") == "a forged stamp"
    world.now += 86_400
    assert world.catches(stamp) == "a stamp of another day"
    assert world.catches(stamp, fastest=0.0) == ""


def test_stamps_are_sealed_and_may_be_missing_where_time_does_not_count() -> None:
    world = World()
    assert world.catches("") == "the form was never shown"
    assert world.catches("", fastest=0.0) == ""
    stamp = world.honeypot.stamp("f")
    world.now += 5
    for forged in ("9" + stamp, stamp[:-1], "x", "é.é", "1" * 200 + stamp, "nan." + stamp[-43:]):
        assert world.catches(forged) == "a forged stamp"
    rotated = Honeypot([Secret("n" * 20 + "0123456789abcdef"), *KEYS], clock=lambda: world.now)
    assert rotated.catches("f", trap="", stamp=stamp, fastest=2.0) == ""


class Events:
    def __init__(self) -> None:
        self.seen: list[Event] = []

    async def record(self, event: Event) -> None:
        self.seen.append(event)

    def note(self, event: Event) -> None:
        self.seen.append(event)


def application(world: World, **services: Any) -> Any:
    app = FastAPI()

    @app.get("/")
    async def page(request: Request) -> HTMLResponse:
        return HTMLResponse(f"<form>{honeypot_field(request, 'contact')}</form>")

    @app.post("/")
    async def send(is_bot: Annotated[bool, check_honeypot("contact")]) -> bool:
        return is_bot

    given = {Honeypot: world.honeypot, **services.get("more", {})}
    return SecurityMiddleware(app, guards=[], services=given)


@pytest.mark.parametrize("told", [True, False])
async def test_a_form_of_the_application(told: bool) -> None:
    world, events = World(), Events()
    more: dict[Any, Any] = {EventSink: events} if told else {}
    async with client(application(world, more=more)) as http:
        page = (await http.get("/")).text
        assert "style=" not in page
        assert 'aria-hidden="true"' in page
        (stamp,) = re.findall(r'name="form_stamp" value="([^"]+)"', page)
        person = {"homepage": "", "form_stamp": stamp}
        assert (await http.post("/", data=person)).json() is True
        world.now += 3
        assert (await http.post("/", data=person)).json() is False
        assert (await http.post("/", data={**person, "homepage": "x"})).json() is True
        assert (await http.post("/")).json() is True
    assert [event.type for event in events.seen] == [EventType.BOT_CAUGHT] * (3 if told else 0)
