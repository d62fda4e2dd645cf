"""Quotas on routes: plans, headers, refusals, and where callers read what is left."""

from __future__ import annotations

import pytest
from fastapi import Depends, FastAPI, Request

from tests.rate_limits.fakes import caller, secured, statuses
from zenith.kernel.errors import ConfigurationError
from zenith.rate_limits import Quota, Quotas, rate_limit
from zenith.stores.memory import MemoryQuotaStore

MAY_31 = 1_780_272_000.0 - 3600
"""An hour before June, in UTC."""


def guarded(app, **options):
    quotas = Quotas(MemoryQuotaStore(), clock=lambda: MAY_31)
    return secured(app, services={Quotas: quotas}, **options)


def application(quota, **options):
    app = FastAPI()

    @app.get("/a")
    @quota
    async def first():
        return {}

    @app.get("/b", dependencies=[Depends(quota)])
    async def second():
        return {}

    @app.get("/usage")
    async def usage(request: Request):
        found = await quota.usage(request)
        return None if found is None else {"left": found.remaining, "of": found.limit}

    return guarded(app, **options)


@pytest.mark.parametrize("principals", [True, False])
async def test_all_routes_spend_from_it_together(principals):
    app = application(Quota("5/month", per="tenant", name="calls"), principals=principals)
    ada = {"x-subject": "ada", "x-tenant": "acme"}
    bob = {"x-subject": "bob", "x-tenant": "acme"}
    assert await statuses(app, "/a", 3, **ada) == [200] * 3
    assert await statuses(app, "/b", 3, **bob) == [200, 200, 429]
    assert await statuses(app, "/a", 1, **{"x-subject": "bob", "x-tenant": "other"}) == [200]


async def test_what_clients_see():
    app = application(Quota("2/month", per="principal", name="calls"))
    async with caller(app, **{"x-subject": "ada"}) as client:
        answers = [await client.get("/a") for _ in range(3)]
        usage = (await client.get("/usage")).json()
    first, _, last = answers
    policy = '"address-60";q=100;w=60, "calls-2678400";q=2;w=2678400'
    assert first.headers["ratelimit-policy"] == policy
    assert first.headers["ratelimit"].endswith('"calls-2678400";r=1;t=3600')
    assert last.status_code == 429
    assert last.json()["code"] == "quota_exceeded"
    assert last.headers["retry-after"] == "3600"
    assert last.headers["ratelimit"].endswith('"calls-2678400";r=0;t=3600')
    assert usage == {"left": 0, "of": 2}


async def test_who_is_over_a_rate_spends_nothing_of_a_quota():
    app = FastAPI()
    quota = Quota("10/month", per="principal")

    @app.get("/")
    @rate_limit("2/minute", per="principal")
    @quota
    async def both():
        return {}

    @app.get("/usage")
    async def usage(request: Request):
        return (await quota.usage(request)).remaining

    app = guarded(app)
    assert await statuses(app, "/", 5, **{"x-subject": "ada"}) == [200, 200, 429, 429, 429]
    async with caller(app, **{"x-subject": "ada"}) as client:
        assert (await client.get("/usage")).json() == 8


@pytest.mark.parametrize("is_async", [True, False])
async def test_plans_that_change_while_they_run(is_async):
    plans = {"ada": "free", "bob": "paid"}

    def plan(request):
        return plans[request.headers["x-subject"]]

    async def looked_up(request):
        return plan(request)

    quota = Quota(
        {"free": "2/month", "trial": "4/month", "paid": None},
        per="principal",
        plan=looked_up if is_async else plan,
    )
    app = application(quota)
    ada, bob = {"x-subject": "ada"}, {"x-subject": "bob"}
    assert await statuses(app, "/a", 3, **ada) == [200, 200, 429]
    assert await statuses(app, "/a", 5, **bob) == [200] * 5
    plans["ada"] = "trial"
    assert await statuses(app, "/a", 3, **ada) == [200, 200, 429]
    async with caller(app, **bob) as client:
        assert (await client.get("/usage")).json() is None
    plans["ada"] = "unheard of"
    assert await statuses(app, "/a", 1, **ada) == [500]


async def test_costs_keys_and_exemptions():
    quota = Quota(
        "10/day",
        key_func=lambda request: request.headers["x-job"],
        cost=lambda request: int(request.query_params.get("pages", 1)),
        exempt=lambda request: "x-probe" in request.headers,
    )
    app = application(quota)
    assert await statuses(app, "/a?pages=6", 2, **{"x-job": "1"}) == [200, 429]
    assert await statuses(app, "/a?pages=6", 2, **{"x-job": "1", "x-probe": ""}) == [200, 200]
    assert await statuses(app, "/a?pages=0", 2, **{"x-job": "1"}) == [200, 200]
    assert await statuses(app, "/a?pages=4", 2, **{"x-job": "1"}) == [200, 429]
    assert await statuses(app, "/a?pages=4", 1, **{"x-job": "2"}) == [200]


async def test_an_application_without_the_counts_says_so():
    app = FastAPI()

    @app.get("/")
    @Quota("1/day")
    async def first():
        return {}

    assert await statuses(secured(app), "/", 1) == [500]


@pytest.mark.parametrize(
    ("allowance", "options"),
    [
        ("10/moon", {}),
        ("0/day", {}),
        ({}, {"plan": str}),
        ({"free": "1/day"}, {}),
        ("1/day", {"plan": str}),
        ("1/day", {"cost": 0}),
        ("1/day", {"per": "planet"}),
        ("1/day", {"name": "two words"}),
    ],
)
def test_what_makes_no_sense_refuses_the_start(allowance, options):
    with pytest.raises(ConfigurationError):
        Quota(allowance, **options)


def test_a_large_quota_is_counted_exactly():
    Quota("1000000000000/month")
    assert repr(Quota("1/day", name="calls")) == "<quota: calls>"
    assert not Quota("1/day", per="address").needs_principal
    assert Quota("1/day").needs_principal


async def test_a_quota_that_was_attached_too_late_refuses_the_start():
    app = FastAPI()

    async def late():
        return {}

    app.add_api_route("/", late)
    Quota("1/day")(late)
    with pytest.raises(ConfigurationError, match="below the route"):
        guarded(app).prepare()
