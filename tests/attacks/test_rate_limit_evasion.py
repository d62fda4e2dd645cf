"""One client wants more than its share: by another path, method, address or key, or by not waiting.

Each test is one trick: spreading requests over the addresses of its own IPv6 network, writing its
own X-Forwarded-For, changing the path's parameters, the case or the query, spelling the method
differently, racing, and hammering on while it is refused.
"""

from __future__ import annotations

import asyncio

import pytest
from fastapi import FastAPI

from tests.rate_limits.fakes import caller, secured, statuses
from zenith.rate_limits import RateLimitSettings, rate_limit


def application():
    app = FastAPI()

    @app.get("/reset/{account}")
    @app.head("/reset/{account}")
    @rate_limit("3/minute")
    async def reset(account: str):
        return account

    return app


async def test_path_parameters_and_queries_are_the_same_route():
    app = secured(application())
    paths = ("/reset/a", "/reset/b", "/reset/c?x=1", "/reset/d", "/reset/a?x=2", "/reset/%61")
    answers = [(await statuses(app, path, 1))[0] for path in paths]
    assert answers == [200, 200, 200, 429, 429, 429]


async def test_another_method_is_the_same_endpoint():
    app = secured(application())
    assert await statuses(app, "/reset/a", 3) == [200] * 3
    assert await statuses(app, "/reset/a", 1, method="HEAD") == [429]


async def test_an_ipv6_holder_is_one_client():
    app = secured(application())
    answers = [
        (await statuses(app, "/reset/a", 1, **{"x-client": f"2001:db8:0:7::{host:x}"}))[0]
        for host in range(6)
    ]
    assert answers.count(200) == 3


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip", "client-ip"])
async def test_a_forged_address_is_no_new_client(header):
    app = secured(application())
    answers = [
        (await statuses(app, "/reset/a", 1, **{header: f"for=1.1.1.{host}"}))[0]
        for host in range(6)
    ]
    assert answers.count(200) == 3


async def test_racing_requests():
    app = secured(application())
    answers = await asyncio.gather(*(statuses(app, "/reset/a", 1) for _ in range(50)))
    assert sum(answer == [200] for answer in answers) == 3


async def test_hammering_neither_helps_nor_locks_out_of_everything():
    app = secured(application(), RateLimitSettings(per_address="10/minute"))
    assert (await statuses(app, "/reset/a", 200)).count(200) == 3
    assert (await statuses(app, "/docs", 20)).count(200) == 7


async def test_a_refused_request_never_reaches_the_body():
    app = secured(application())
    await statuses(app, "/reset/a", 3)
    read = []

    async def body():
        read.append(1)
        yield b"x" * 1_000_000

    async with caller(app) as client:
        answer = await client.request("GET", "/reset/a", content=body())
    assert answer.status_code == 429
    assert "retry-after" in answer.headers
