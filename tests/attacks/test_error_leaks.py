"""The attack: break something and read what it says: a stack trace, a query, a path, one's own
password back, or an answer that lost its security headers on the way out."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel

from tests.accounts.application import browse, make_app, running
from zenith.authorization import public
from zenith.kernel.errors import PermissionDeniedError

SECRET = "hunter2-in-the-variable"
HEADERS = {
    "content-security-policy",
    "x-content-type-options",
    "referrer-policy",
    "permissions-policy",
    "cross-origin-opener-policy",
    "x-frame-options",
}


class Order(BaseModel):
    number: int
    password: str


@pytest.fixture
async def client(tmp_path):
    app = make_app(tmp_path)

    @app.get("/broken")
    @public
    async def broken():
        raise RuntimeError(SECRET)

    @app.get("/broken-answer", response_model=Order)
    @public
    async def broken_answer():
        return {"number": SECRET}

    @app.get("/denied")
    @public
    async def denied():
        raise PermissionDeniedError(reason=SECRET)

    @app.post("/order")
    @public
    async def order(order: Order):
        return None

    async with running(app), browse(app) as client:
        yield client


ASKED = {
    "404": ("GET", "/nowhere", 404),
    "405": ("PUT", "/broken", 405),
    "422": ("POST", "/order", 422),
    "500": ("GET", "/broken", 500),
    "500 of an answer": ("GET", "/broken-answer", 500),
    "403": ("GET", "/denied", 403),
    "401": ("GET", "/auth/me", 401),
    "421": ("GET", "/page", 421),
}


async def send(client, case, **headers):
    method, path, status = ASKED[case]
    if case == "421":
        headers["Host"] = "evil.example"
    body = {"number": SECRET, "password": {"deep": SECRET}} if case == "422" else None
    answer = await client.request(method, path, json=body, headers=headers)
    assert answer.status_code == status
    return answer


@pytest.mark.parametrize("case", ASKED)
async def test_programs_get_a_problem_that_says_no_more_than_it_must(client, case):
    answer = await send(client, case)
    assert {*answer.headers} >= HEADERS
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem = answer.json()
    assert problem.keys() == {"type", "title", "status", "detail", "code", "instance"}
    told = answer.text + json.dumps(dict(answer.headers))
    for leak in (SECRET, "Traceback", "RuntimeError", "site-packages", ".py"):
        assert leak not in told


@pytest.mark.parametrize("case", ASKED)
async def test_people_get_a_page_under_the_same_headers(client, case):
    answer = await send(client, case, Accept="text/html", **{"Sec-Fetch-Mode": "navigate"})
    assert {*answer.headers} >= HEADERS
    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1>" in answer.text
    for leak in (SECRET, "Traceback", "RuntimeError", ".py"):
        assert leak not in answer.text


async def test_invalid_input_is_named_and_not_repeated(client):
    answer = await send(client, "422")
    faults = answer.json()["detail"]
    assert [fault["loc"] for fault in faults] == [["body", "number"], ["body", "password"]]
    assert all(fault.keys() == {"type", "loc", "msg"} for fault in faults)


@pytest.mark.parametrize("body", [b'{"password": "hunter2', b"\xff\xfe", b"[" * 500, b""])
async def test_what_is_no_json_is_not_repeated_either(client, body):
    answer = await client.post("/order", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert "hunter2" not in answer.text


async def test_the_reference_leads_to_the_log_and_says_nothing(client):
    ids = {(await send(client, "500")).json()["instance"] for _ in range(2)}
    assert len(ids) == 2
