"""Who is one caller: addresses, networks, accounts, keys, tenants, own functions."""

from __future__ import annotations

import pytest
from fastapi import Depends, FastAPI
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse
from starlette.routing import WebSocketRoute

from tests.rate_limits.fakes import caller, secured, statuses
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.principal import Principal
from zenith.pipeline import Exchange
from zenith.rate_limits import RateLimitSettings, rate_limit
from zenith.rate_limits.keys import key_per, network_key

ACCOUNT = Principal(subject="ada", tenant="acme")
KEY = Principal(subject="k1", kind="api_key", owner="ada")
SERVICE_KEY = Principal(subject="k2", kind="api_key")
NOBODY = Principal(subject="", kind="anonymous")


def exchange(principal=NOBODY, address="2001:db8:1:2:3::4"):
    async def receive():
        raise AssertionError

    scope = {"type": "http", "path": "/", "headers": [], "client": (address, 1)}
    made = Exchange(scope, receive)
    made.principal = principal
    return made


@pytest.mark.parametrize(
    ("per", "principal", "key"),
    [
        ("address", ACCOUNT, "2001:db8:1:2::/64"),
        ("network", ACCOUNT, "2001:db8:1::/48"),
        ("everyone", ACCOUNT, ""),
        ("principal", ACCOUNT, "user:ada"),
        ("principal", KEY, "api_key:k1"),
        ("principal", NOBODY, "2001:db8:1:2::/64"),
        ("account", ACCOUNT, "user:ada"),
        ("account", KEY, "user:ada"),
        ("account", SERVICE_KEY, "api_key:k2"),
        ("account", NOBODY, "2001:db8:1:2::/64"),
        ("api_key", KEY, "api_key:k1"),
        ("api_key", ACCOUNT, "2001:db8:1:2::/64"),
        ("tenant", ACCOUNT, "tenant:acme"),
        ("tenant", KEY, "api_key:k1"),
        ("tenant", NOBODY, "2001:db8:1:2::/64"),
    ],
)
def test_who_is_counted_together(per, principal, key):
    assert key_per(per)(exchange(principal)) == key


@pytest.mark.parametrize(
    ("address", "prefixes", "network"),
    [
        ("192.0.2.77", (24, 48), "192.0.2.0/24"),
        ("192.0.2.77", (16, 48), "192.0.0.0/16"),
        ("::ffff:192.0.2.77", (24, 48), "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", (24, 56), "2001:db8:1::/56"),
        ("2001:db8:1:2:3::4%eth0", (24, 48), "2001:db8:1::/48"),
        ("unknown", (24, 48), "unknown"),
    ],
)
def test_networks(address, prefixes, network):
    assert network_key(address, prefixes) == network


@pytest.mark.parametrize("prefixes", [(0, 48), (24, 129), (24,), "24", (24, 48, 1), ("24", 48)])
def test_prefixes_that_are_none(prefixes):
    with pytest.raises(ConfigurationError, match="IPv4 and IPv6"):
        rate_limit("3/minute", per="network", prefixes=prefixes)


def application(mark, handler=None):
    app = FastAPI()

    @app.get("/", dependencies=[Depends(mark)])
    async def answer():
        return {}

    if handler is not None:
        app.add_api_route("/own", handler, dependencies=[Depends(mark)])
    return secured(app, RateLimitSettings(per_address="1000/minute"))


async def test_a_network_shares_a_limit():
    app = application(rate_limit("2/minute", per="network"))
    assert await statuses(app, "/", 2, **{"x-client": "192.0.2.1"}) == [200, 200]
    assert await statuses(app, "/", 1, **{"x-client": "192.0.2.2"}) == [429]
    assert await statuses(app, "/", 1, **{"x-client": "192.0.3.1"}) == [200]


async def test_a_cost_that_a_function_tells():
    def cost(request):
        return int(request.query_params.get("pages", 0))

    app = application(rate_limit("10/minute", cost=cost))
    assert await statuses(app, "/?pages=6", 2) == [200, 429]
    assert await statuses(app, "/?pages=4", 2) == [200, 429]
    assert await statuses(app, "/", 2) == [200, 200]
    assert await statuses(app, "/?pages=11", 1, **{"x-client": "192.0.2.9"}) == [429]


@pytest.mark.parametrize("cost", [-1, 1.5, True, None, "2"])
async def test_a_cost_that_is_none(cost):
    app = application(rate_limit("10/minute", cost=lambda _: cost))
    assert await statuses(app, "/", 1) == [500]


async def test_exemptions():
    mark = rate_limit("1/minute", exempt=lambda request: request.headers["x-probe"] == "yes")
    app = application(mark)
    assert await statuses(app, "/", 3, **{"x-probe": "yes"}) == [200, 200, 200]
    assert await statuses(app, "/", 2, **{"x-probe": "no"}) == [200, 429]


async def test_an_exemption_is_true_and_not_something_like_it():
    app = application(rate_limit("1/minute", exempt=lambda _: "yes"))  # type: ignore[arg-type,return-value]
    assert await statuses(app, "/", 2) == [200, 429]


async def test_what_a_request_cost_in_the_end_is_settled():
    tokens = rate_limit("100/minute", cost=10, name="tokens")

    async def own(request):
        await tokens.settle(request, int(request.query_params["used"]))
        return PlainTextResponse("")

    app = FastAPI()
    app.add_route("/own", tokens(own))
    app = secured(app)
    for used, status, left in [("30", 200, 90), ("5", 200, 60), ("500", 200, 50), ("1", 429, 0)]:
        async with caller(app) as client:
            response = await client.get("/own", params={"used": used})
        assert response.status_code == status
        assert f";r={left};" in response.headers["ratelimit"]


async def test_settled_after_the_answer_and_never_twice():
    tokens = rate_limit("100/minute", name="tokens")

    async def work(request):
        await tokens.settle(request, 40)
        await tokens.settle(request, 40)
        await tokens.settle(request, 41)

    async def own(request):
        return PlainTextResponse("", background=BackgroundTask(work, request))

    app = FastAPI()
    app.add_route("/own", tokens(own))
    app = secured(app)
    assert await statuses(app, "/own", 3) == [200, 200, 200]
    assert await statuses(app, "/own", 1) == [429]


async def test_who_is_exempt_settles_nothing():
    tokens = rate_limit("100/minute", name="tokens", exempt=lambda _: True)

    async def own(request):
        await tokens.settle(request, 1000)
        return PlainTextResponse("")

    app = FastAPI()
    app.add_route("/own", tokens(own))
    assert await statuses(secured(app), "/own", 3) == [200, 200, 200]


async def test_a_limit_that_is_not_the_routes_cannot_be_settled():
    tokens = rate_limit("100/minute")

    async def own(request):
        with pytest.raises(ConfigurationError, match="name"):
            await tokens.settle(request, 5)
        return PlainTextResponse("")

    app = FastAPI()
    app.add_route("/own", tokens(own))
    assert await statuses(secured(app), "/own", 1) == [200]


async def test_each_message_of_a_socket_can_be_charged():
    messages = rate_limit("3/minute", name="messages")
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "websocket.connect"}

    app = FastAPI()

    async def socket(websocket):
        await websocket.accept()
        while True:
            await messages.charge(websocket)
            await websocket.send_text("ok")

    app.router.routes.append(WebSocketRoute("/socket", socket))
    scope = {
        "type": "websocket",
        "path": "/socket",
        "query_string": b"",
        "headers": [],
        "client": ("192.0.2.1", 1),
        "subprotocols": [],
    }
    await secured(app)(scope, receive, send)
    assert [message["type"] for message in sent] == [
        "websocket.accept",
        *["websocket.send"] * 3,
        "websocket.close",
    ]
    assert sent[-1]["code"] == 1008


async def test_networks_that_the_limit_of_all_routes_leaves_alone():
    settings = RateLimitSettings(per_address="1/minute", exempt_networks=("192.0.2.0/24",))
    app = secured(FastAPI(), settings)
    assert await statuses(app, "/", 3, **{"x-client": "192.0.2.1"}) == [404] * 3
    assert await statuses(app, "/", 2, **{"x-client": "192.0.3.1"}) == [404, 429]
    assert await statuses(app, "/", 2, **{"x-client": "unknown"}) == [404, 429]


async def test_a_limit_per_network_beside_the_one_per_address():
    settings = RateLimitSettings(per_address="2/minute", per_network="3/minute")
    app = secured(FastAPI(), settings)
    assert await statuses(app, "/", 3, **{"x-client": "192.0.2.1"}) == [404, 404, 429]
    assert await statuses(app, "/", 2, **{"x-client": "192.0.2.2"}) == [404, 429]
    assert await statuses(app, "/", 1, **{"x-client": "192.0.3.2"}) == [404]


async def test_a_prefix_of_ones_own_is_one_client():
    settings = RateLimitSettings(per_address="1/minute", address_prefix=56)
    app = secured(FastAPI(), settings)
    assert await statuses(app, "/", 1, **{"x-client": "2001:db8:0:1::1"}) == [404]
    assert await statuses(app, "/", 1, **{"x-client": "2001:db8:0:2::1"}) == [429]
    assert await statuses(app, "/", 1, **{"x-client": "2001:db8:0:102::1"}) == [404]
    assert await statuses(app, "/", 1, **{"x-client": "192.0.2.1"}) == [404]
    assert await statuses(app, "/", 1, **{"x-client": "192.0.2.2"}) == [404]


async def test_a_route_that_replaces_the_default_is_free_of_the_network_limit_too():
    settings = RateLimitSettings(per_address="1/minute", per_network="1/minute")
    app = FastAPI()

    @app.get("/")
    @rate_limit("5/minute", replaces_default=True)
    async def own():
        return {}

    assert await statuses(secured(app, settings), "/", 6) == [200] * 5 + [429]


async def test_what_costs_nothing_at_first_is_settled_and_charged_all_the_same():
    tokens = rate_limit("100/minute", name="tokens", cost=lambda _: 0)

    async def own(request):
        await tokens.settle(request, 30)
        await tokens.charge(request, 20)
        return PlainTextResponse("")

    app = FastAPI()
    app.add_route("/own", tokens(own))
    assert await statuses(secured(app), "/own", 3) == [200, 200, 429]


@pytest.mark.parametrize("cost", [-1, 2.5, float("nan"), float("inf"), True, "3"])
async def test_only_whole_numbers_are_counted(cost):
    """A fraction would stay in the counters, and every later hit fail by it."""
    tokens = rate_limit("100/minute", name="tokens")

    async def own(request):
        with pytest.raises(ValueError, match="whole numbers"):
            await tokens.settle(request, cost)
        with pytest.raises(ValueError, match="whole numbers"):
            await tokens.charge(request, cost)
        return PlainTextResponse("")

    app = FastAPI()
    app.add_route("/own", tokens(own))
    assert await statuses(secured(app), "/own", 2) == [200, 200]


async def test_the_limit_of_networks_needs_none_of_addresses():
    settings = RateLimitSettings(
        per_address=None, per_network="2/minute", allow_no_address_limit=True
    )
    assert await statuses(secured(FastAPI(), settings), "/", 3) == [404, 404, 429]
