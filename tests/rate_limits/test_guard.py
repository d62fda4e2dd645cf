"""The guards in the pipeline: what is charged, when, and what the client reads."""

from __future__ import annotations

import pytest
from fastapi import Depends, FastAPI

from tests.rate_limits.fakes import caller, secured, statuses
from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import SecurityMiddleware
from zenith.rate_limits import (
    PrincipalRateLimitGuard,
    RateLimiter,
    RateLimitGuard,
    RateLimitSettings,
    rate_limit,
)
from zenith.stores.memory import MemoryRateLimitStore


def application():
    app = FastAPI()

    @app.get("/plain")
    async def plain():
        return {"ok": True}

    @app.get("/search/{term}")
    @rate_limit("3/minute;50/hour")
    async def search(term: str):
        return term

    @app.get("/own")
    @rate_limit("3/minute", per="principal")
    async def own():
        return {}

    @app.get("/busy")
    @rate_limit("1000/minute", replaces_default=True)
    async def busy():
        return {}

    return app


async def test_all_routes_share_one_limit_per_address():
    app = secured(application(), RateLimitSettings(per_address="5/minute"))
    assert await statuses(app, "/plain", 3) == [200] * 3
    assert await statuses(app, "/nowhere", 3) == [404, 404, 429]
    assert await statuses(app, "/plain", 2, **{"x-client": "9.9.9.9"}) == [200, 200]


async def test_the_default_is_a_hundred_a_minute():
    assert (await statuses(secured(application()), "/plain", 103)).count(200) == 100


async def test_a_refusal_is_a_problem_with_retry_after():
    app = secured(application())
    await statuses(app, "/search/a", 3)
    async with caller(app) as client:
        answer = await client.get("/search/b")
    assert answer.status_code == 429
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "rate_limited"
    assert answer.headers["retry-after"] == "80"
    assert answer.headers["ratelimit-policy"] == (
        '"address-60";q=100;w=60, "route-60";q=3;w=60, "route-3600";q=50;w=3600'
    )
    assert answer.headers["ratelimit"].startswith('"address-60";r=96;t=120, "route-60";r=0;t=80')
    assert answer.headers["x-ratelimit-limit"] == "3"
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert answer.headers["x-ratelimit-reset"] == "80"


async def test_answers_tell_what_is_left():
    async with caller(secured(application())) as client:
        answer = await client.get("/plain")
    assert answer.headers["ratelimit"] == '"address-60";r=99;t=120'
    assert answer.headers["ratelimit-policy"] == '"address-60";q=100;w=60'
    assert answer.headers["x-ratelimit-limit"] == "100"
    assert answer.headers["x-ratelimit-remaining"] == "99"


async def test_fields_can_be_left_out():
    settings = RateLimitSettings(headers=False, legacy_headers=False)
    async with caller(secured(application(), settings)) as client:
        answer = await client.get("/plain")
    assert not any("ratelimit" in name for name in answer.headers)


async def test_the_older_fields_alone():
    app = secured(application(), RateLimitSettings(headers=False))
    async with caller(app) as client:
        answer = await client.get("/plain")
    names = {name for name in answer.headers if "ratelimit" in name}
    assert names == {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}


async def test_all_limits_of_a_request_are_one_step():
    app = secured(application())
    await statuses(app, "/search/a", 1)
    assert [[hit.limit.window for hit in hits] for hits in app.store.calls] == [[60, 60, 3600]]


async def test_a_refused_request_spends_nothing_of_the_default():
    app = secured(application(), RateLimitSettings(per_address="6/minute"))
    assert (await statuses(app, "/search/a", 30)).count(200) == 3
    assert (await statuses(app, "/plain", 9)).count(200) == 3


async def test_a_route_may_replace_the_default():
    app = secured(application(), RateLimitSettings(per_address="5/minute"))
    assert (await statuses(app, "/busy", 50)).count(200) == 50
    assert (await statuses(app, "/plain", 9)).count(200) == 5


async def test_no_default_at_all():
    settings = RateLimitSettings(per_address=None, allow_no_address_limit=True)
    app = secured(application(), settings)
    assert (await statuses(app, "/plain", 150)).count(200) == 150
    assert (await statuses(app, "/search/a", 5)).count(200) == 3
    async with caller(app) as client:
        assert "ratelimit" not in (await client.get("/plain")).headers


async def test_an_ipv6_network_is_one_client():
    app = secured(application())
    for host in range(3):
        assert await statuses(app, "/search/a", 1, **{"x-client": f"2001:db8::{host}"}) == [200]
    assert await statuses(app, "/search/a", 1, **{"x-client": "2001:db8::ffff"}) == [429]
    assert await statuses(app, "/search/a", 1, **{"x-client": "2001:db8:0:1::1"}) == [200]


@pytest.mark.parametrize("principals", [True, False])
async def test_per_principal_from_many_addresses(principals):
    app = secured(application(), principals=principals)
    for number in range(3):
        headers = {"x-subject": "alice", "x-client": f"1.1.1.{number}"}
        assert await statuses(app, "/own", 1, **headers) == [200]
    headers = {"x-subject": "alice", "x-client": "2.2.2.2"}
    assert await statuses(app, "/own", 1, **headers) == [429]
    assert await statuses(app, "/own", 1, **(headers | {"x-subject": "bob"})) == [200]


async def test_the_anonymous_are_counted_by_address():
    app = secured(application())
    assert await statuses(app, "/own", 4) == [200, 200, 200, 429]
    assert await statuses(app, "/own", 1, **{"x-client": "9.9.9.9"}) == [200]
    assert await statuses(app, "/own", 1, **{"x-subject": "alice"}) == [200]


async def test_a_limit_of_every_principal():
    app = secured(application(), RateLimitSettings(per_principal="4/minute"))
    answers = [
        *(await statuses(app, "/plain", 3, **{"x-subject": "alice", "x-client": "1.1.1.1"})),
        *(await statuses(app, "/own", 3, **{"x-subject": "alice", "x-client": "1.1.1.2"})),
    ]
    assert answers == [200, 200, 200, 200, 429, 429]
    assert await statuses(app, "/plain", 9) == [200] * 9


async def test_both_steps_are_told():
    app = secured(application(), RateLimitSettings(per_principal="4/minute"))
    async with caller(app, **{"x-subject": "alice"}) as client:
        answer = await client.get("/own")
    assert answer.headers["ratelimit-policy"] == (
        '"address-60";q=100;w=60, "principal-60";q=4;w=60, "route-60";q=3;w=60'
    )
    assert len(app.store.calls) == 2


async def test_the_second_guard_alone_counts_too():
    limiter = RateLimiter(MemoryRateLimitStore())
    app = SecurityMiddleware(application(), guards=[PrincipalRateLimitGuard(limiter)])
    assert await statuses(app, "/own", 4) == [200, 200, 200, 429]
    assert await statuses(app, "/search/a", 4) == [200, 200, 200, 429]


async def test_a_refusal_before_the_guard_carries_no_fields():
    from zenith.kernel.errors import BadRequestError
    from zenith.pipeline import Guard, Stage

    class Firewall(Guard):
        stage = Stage.TRANSPORT

        async def on_request(self, exchange):
            raise BadRequestError

    guards = [Firewall(), RateLimitGuard(RateLimiter(MemoryRateLimitStore()))]
    async with caller(SecurityMiddleware(application(), guards=guards)) as client:
        answer = await client.get("/plain")
    assert answer.status_code == 400
    assert "ratelimit" not in answer.headers


def test_a_limit_above_its_route_refuses_the_start():
    app = FastAPI()

    @rate_limit("3/minute")
    @app.get("/late")
    async def late():
        return {}

    with pytest.raises(ConfigurationError, match="below the route's decorator") as caught:
        secured(app).prepare()
    assert "/late: <rate limit: " in str(caught.value)


async def test_a_dependency_is_charged_before_the_body_and_once():
    app = FastAPI()
    limited = Depends(rate_limit("3/minute"))

    @app.post("/a", dependencies=[limited])
    async def a():
        return {}

    @app.post("/b", dependencies=[limited])
    async def b():
        return {}

    wrapped = secured(app)
    assert await statuses(wrapped, "/a", 4, method="POST") == [200, 200, 200, 429]
    assert len(wrapped.store.calls) == 4
    # The counters belong to the route.
    assert await statuses(wrapped, "/b", 4, method="POST") == [200, 200, 200, 429]


async def test_a_declaration_that_is_found_twice_is_charged_once():
    limited = Depends(rate_limit("3/minute"))
    app = FastAPI(dependencies=[limited])

    @app.get("/a", dependencies=[limited])
    async def a():
        return {}

    wrapped = secured(app)
    assert await statuses(wrapped, "/a", 4) == [200, 200, 200, 429]
    assert [len(hits) for hits in wrapped.store.calls] == [2] * 4
