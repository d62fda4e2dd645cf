from __future__ import annotations

import asyncio
import secrets
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Form, Query

from tests.examples.conftest import ORIGIN
from zenith import Settings, Zenith, public
from zenith.kernel.errors import ValidationError
from zenith.validation.checks import async_field_validator
from zenith.validation.depends import Validated, answer_without_values, validated
from zenith.validation.errors import fault
from zenith.validation.models import StrictModel


class NewUser(StrictModel):
    username: str
    age: int = 20

    @async_field_validator("username")
    @classmethod
    async def is_free(cls, value: str) -> None:
        if value == "slow":
            await asyncio.sleep(3600)
        if value == "taken":
            raise ValueError("That name is taken")


class Other(StrictModel):
    username: str


USER = Annotated[NewUser, Depends(validated(NewUser, within=0.05))]


def routes(app, public=public):
    @app.post("/users")
    @public
    async def create(user: USER) -> str:
        return user.username

    @app.post("/two")
    @public
    async def two(user: Validated[NewUser], other: Other) -> str:
        return user.username + other.username

    @app.post("/form")
    @public
    async def form(user: Annotated[NewUser, Depends(validated(NewUser, Form()))]) -> str:
        return user.username

    @app.get("/query")
    @public
    async def query(user: Annotated[NewUser, Depends(validated(NewUser, Query()))]) -> str:
        return user.username

    @app.post("/refused")
    @public
    async def refused() -> None:
        raise ValidationError("not so")

    return app


def make_zenith(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = {"ZENITH_SECRET_KEY": secrets.token_urlsafe(48), "ZENITH_ORIGIN": ORIGIN}
    return Zenith(settings=Settings.from_env({**given, "ZENITH_CSRF": "none"}, dotenv=None))


@pytest.fixture(params=["zenith", "fastapi"])
async def client(request, tmp_path, monkeypatch):
    if request.param == "zenith":
        app = make_zenith(tmp_path, monkeypatch)
    else:
        app = FastAPI()
        answer_without_values(app)
    routes(app, public if request.param == "zenith" else lambda endpoint: endpoint)
    transport = httpx.ASGITransport(app=app)
    headers = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers) as client:
        if request.param == "zenith":
            await client.get("/openapi.json")
        yield client
    if request.param == "zenith":
        await app.middleware_stack.stop()


async def test_both_answer_alike(client):
    assert (await client.post("/users", json={"username": "ada"})).json() == "ada"
    answer = await client.post("/users", json={"username": "taken"})
    assert answer.status_code == 422
    assert answer.json()["detail"] == [
        {
            "type": "value_error",
            "loc": ["body", "username"],
            "msg": "Value error, That name is taken",
        }
    ]


async def test_what_pydantic_refuses_has_the_same_shape_and_no_value(client):
    answer = await client.post("/users", json={"username": "x", "age": "hunter2", "role": "admin"})
    assert answer.status_code == 422
    faults = answer.json()["detail"]
    assert [fault["loc"] for fault in faults] == [["body", "age"], ["body", "role"]]
    assert all(fault.keys() == {"type", "loc", "msg"} for fault in faults)
    assert "hunter2" not in answer.text


@pytest.mark.parametrize(
    ("call", "location"),
    [
        (lambda c: c.post("/form", data={"username": "taken"}), ["body", "username"]),
        (lambda c: c.get("/query?username=taken"), ["query", "username"]),
        (
            lambda c: c.post(
                "/two", json={"new_user": {"username": "taken"}, "other": {"username": ""}}
            ),
            ["body", "new_user", "username"],
        ),
    ],
)
async def test_the_place_is_where_the_sender_wrote_it(client, call, location):
    answer = await call(client)
    assert answer.status_code == 422, answer.text
    assert [fault["loc"] for fault in answer.json()["detail"]] == [location]


async def test_what_cannot_be_checked_in_time_is_not_taken(client):
    answer = await client.post("/users", json={"username": "slow"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


async def test_refusals_of_the_handler_are_422_too(client):
    assert (await client.post("/refused")).status_code == 422


async def test_the_schema_shows_the_model(client):
    schema = (await client.get("/openapi.json")).json()
    body = schema["paths"]["/users"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"]["$ref"].endswith("/NewUser")


class Loose(StrictModel):
    anything: Any = None

    @async_field_validator("anything")
    @classmethod
    async def is_nothing(cls, value: object) -> None:
        raise ValueError(f"not {value}")


@pytest.mark.parametrize("sent", [rb'"\ud800"', rb'{"\ud800": 1}', rb'["\udfff\ud800"]'])
async def test_half_characters_are_a_fault_and_no_error(sent):
    """JSON can name them, and no answer can be written with them (ASVS 16.5.3)."""
    app = FastAPI()
    answer_without_values(app)

    @app.post("/loose")
    async def loose(given: Validated[Loose]) -> None:
        raise AssertionError(given)

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        answer = await client.post(
            "/loose",
            headers={"content-type": "application/json"},
            content=b'{"anything": ' + sent + b"}",
        )
    assert answer.status_code == 422


def test_places_and_messages_of_faults_can_be_written():
    found = fault(("body", "a\ud800", 1), "value_error", "no \udfff")
    assert found == {"type": "value_error", "loc": ["body", "a?", 1], "msg": "no ?"}
