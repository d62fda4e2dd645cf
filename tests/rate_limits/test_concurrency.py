"""Limits of what is in flight: taken before the body, given back whichever way the answer ends."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import Depends, FastAPI
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import WebSocketRoute

from tests.rate_limits.fakes import Callers
from zenith.kernel.errors import ConfigurationError, RateLimitError
from zenith.pipeline import Exchange, Guard, SecurityMiddleware, Stage
from zenith.rate_limits import (
    BusyError,
    ConcurrencyError,
    ConcurrencyGuard,
    ConcurrencyLimiter,
    FallbackSlots,
    PrincipalRateLimitGuard,
    RateLimiter,
    RateLimitGuard,
    RateLimitSettings,
    RateLimitStoreError,
    concurrency_limit,
    rate_limit,
)
from zenith.rate_limits.store import Slot
from zenith.stores.memory import MemoryRateLimitStore, MemorySlotStore


class Settles(Guard):
    stage = Stage.AUDIT

    def __init__(self):
        self.statuses = []

    def on_request(self, exchange: Exchange) -> None:
        exchange.settle = self.settle

    def settle(self, status):
        async def note():
            self.statuses.append(status)

        return note()


def secured(app, *, settings=None, principals=True, others=()):
    slots = MemorySlotStore()
    limiter, in_flight = RateLimiter(MemoryRateLimitStore()), ConcurrencyLimiter(slots)
    given = settings or RateLimitSettings()
    guards = [*others, RateLimitGuard(limiter, given), Callers()]
    if settings is not None:
        guards.append(ConcurrencyGuard(in_flight, settings))
    if principals:
        guards.append(PrincipalRateLimitGuard(limiter, given))
    wrapped = SecurityMiddleware(app, guards=guards, services={ConcurrencyLimiter: in_flight})
    wrapped.slots = slots
    return wrapped


class Gate:
    """Handlers that wait until they are told to go on."""

    def __init__(self):
        self.inside = 0
        self.entered = asyncio.Event()
        self.open = asyncio.Event()

    async def wait(self):
        self.inside += 1
        self.entered.set()
        await self.open.wait()


@asynccontextmanager
async def client_of(app, **headers):
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="https://x", headers=headers
    ) as client:
        yield client


def application(mark, gate, **options):
    app = FastAPI()

    @app.get("/", dependencies=[Depends(mark)])
    async def wait():
        await gate.wait()
        return {}

    return secured(app, **options)


@pytest.mark.parametrize("principals", [True, False])
async def test_no_more_than_so_many_at_once(principals):
    gate = Gate()
    app = application(concurrency_limit(2, per="address"), gate, principals=principals)
    async with client_of(app) as client:
        asked = [asyncio.create_task(client.get("/")) for _ in range(2)]
        while gate.inside < 2:
            await gate.entered.wait()
            gate.entered.clear()
        refused = await client.get("/")
        assert refused.status_code == 429
        assert refused.json()["code"] == "too_many_at_once"
        assert refused.headers["retry-after"] == "1"
        assert len(app.slots) == 1
        gate.open.set()
        assert [answer.status_code for answer in await asyncio.gather(*asked)] == [200, 200]
        assert (await client.get("/")).status_code == 200
    assert len(app.slots) == 0


async def test_a_route_that_is_full_for_everybody_is_busy():
    gate = Gate()
    app = application(concurrency_limit(1, per="everyone"), gate)
    async with client_of(app) as client:
        asked = asyncio.create_task(client.get("/"))
        await gate.entered.wait()
        refused = await client.get("/")
        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
        assert refused.headers["retry-after"] == "1"
        gate.open.set()
        assert (await asked).status_code == 200


async def test_callers_are_counted_apart_and_shared_names_together():
    gate, app = Gate(), FastAPI()
    mark = concurrency_limit(1, name="exports")

    @app.get("/a")
    @mark
    async def first():
        await gate.wait()
        return {}

    @app.get("/b")
    @mark
    async def second():
        return {}

    app = secured(app)
    async with client_of(app) as client:
        asked = asyncio.create_task(client.get("/a", headers={"x-subject": "ada"}))
        await gate.entered.wait()
        assert (await client.get("/b", headers={"x-subject": "ada"})).status_code == 429
        assert (await client.get("/b", headers={"x-subject": "bob"})).status_code == 200
        gate.open.set()
        await asked
        assert (await client.get("/b", headers={"x-subject": "ada"})).status_code == 200


async def test_own_keys_and_exemptions():
    gate = Gate()
    mark = concurrency_limit(
        1,
        key_func=lambda request: request.headers["x-job"],
        exempt=lambda request: request.headers["x-job"] == "probe",
    )
    app = application(mark, gate)
    async with client_of(app) as client:
        asked = [
            asyncio.create_task(client.get("/", headers={"x-job": job}))
            for job in ("1", "probe", "probe")
        ]
        while gate.inside < 3:
            await gate.entered.wait()
            gate.entered.clear()
        assert (await client.get("/", headers={"x-job": "1"})).status_code == 429
        gate.open.set()
        assert [each.status_code for each in await asyncio.gather(*asked)] == [200] * 3
        assert (await client.get("/", headers={"x-job": "2"})).status_code == 200


def kinds():
    app = FastAPI()
    mark = concurrency_limit(1, per="address", name="kinds")

    async def fails(request):
        raise RuntimeError

    async def refuses(request):
        raise RateLimitError(retry_after=1)

    async def streams(request):
        async def parts():
            yield b"a"
            yield b"b"

        return StreamingResponse(parts())

    async def breaks(request):
        async def parts():
            yield b"a"
            raise RuntimeError

        return StreamingResponse(parts())

    for handler in (fails, refuses, streams, breaks):
        app.add_route(f"/{handler.__name__}", mark(handler))
    return app


@pytest.mark.parametrize("path", ["/fails", "/refuses", "/streams", "/breaks"])
@pytest.mark.parametrize("others", [True, False])
async def test_a_place_comes_free_however_the_answer_ends(path, others):
    settles = Settles()
    app = secured(kinds(), others=[settles] if others else ())
    async with client_of(app) as client:
        for _ in range(3):
            assert (await client.get(path)).status_code in (200, 429, 500)
            assert len(app.slots) == 0
    assert settles.statuses.count(None) == 3 * others


async def test_a_place_is_held_until_the_last_part_was_sent():
    app = FastAPI()
    gate = Gate()

    async def streams(request):
        async def parts():
            yield b"a"
            await gate.wait()
            yield b"b"

        return StreamingResponse(parts())

    app.add_route("/", concurrency_limit(1, per="address")(streams))
    app = secured(app)
    async with client_of(app) as client:
        asked = asyncio.create_task(client.get("/"))
        await gate.entered.wait()
        assert (await client.get("/")).status_code == 429
        gate.open.set()
        assert (await asked).text == "ab"
        assert (await client.get("/")).status_code == 200


async def test_who_goes_away_gives_back_the_place():
    gate = Gate()
    app = application(concurrency_limit(1, per="address"), gate)
    async with client_of(app) as client:
        asked = asyncio.create_task(client.get("/"))
        await gate.entered.wait()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert len(app.slots) == 0


async def test_a_failure_at_the_end_gives_back_the_place_all_the_same():
    class Breaks(Settles):
        def settle(self, status):
            async def fail():
                if status is None:
                    raise RuntimeError

            return fail()

    app = FastAPI()
    mark = concurrency_limit(1, per="address")
    app.add_route("/", mark(lambda request: PlainTextResponse("")))
    app = secured(app, others=[Breaks()])
    async with client_of(app) as client:
        await client.get("/")
    assert len(app.slots) == 0


async def test_a_socket_holds_its_place_until_it_closes():
    app, sent, gate = FastAPI(), [], Gate()

    async def socket(websocket):
        await websocket.accept()
        await gate.wait()
        await websocket.close()

    app.router.routes.append(WebSocketRoute("/", concurrency_limit(1, per="address")(socket)))
    app = secured(app)
    scope = {
        "type": "websocket",
        "path": "/",
        "query_string": b"",
        "headers": [],
        "client": ("192.0.2.1", 1),
        "subprotocols": [],
    }

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    first = asyncio.create_task(app(dict(scope), receive, send))
    await gate.entered.wait()
    await app(dict(scope), receive, send)
    gate.open.set()
    await first
    assert [message.get("code") for message in sent] == [None, 1008, 1000]
    assert len(app.slots) == 0


async def test_limits_of_all_routes():
    settings = RateLimitSettings(concurrent_per_address=1, concurrent=2)
    gate = Gate()
    app = application(rate_limit("50/minute"), gate, settings=settings)
    async with client_of(app) as client:
        asked = asyncio.create_task(client.get("/"))
        await gate.entered.wait()
        assert (await client.get("/nothing")).json()["code"] == "too_many_at_once"
        gate.open.set()
        await asked
        assert (await client.get("/nothing")).status_code == 404
    assert len(app.slots) == 0


async def test_a_limit_of_all_routes_for_all_callers():
    gate = Gate()
    app = application(rate_limit("50/minute"), gate, settings=RateLimitSettings(concurrent=1))
    async with client_of(app) as client:
        asked = asyncio.create_task(client.get("/"))
        await gate.entered.wait()
        assert (await client.get("/nothing")).json()["code"] == "busy"
        gate.open.set()
        await asked


async def test_holding_a_place_in_code():
    limiter = ConcurrencyLimiter(MemorySlotStore())
    async with limiter.hold("import", "acme", at_most=1):
        with pytest.raises(ConcurrencyError):
            async with limiter.hold("import", "acme", at_most=1):
                pytest.fail("held twice")
        async with limiter.hold("import", "", at_most=1):
            with pytest.raises(BusyError):
                async with limiter.hold("import", "", at_most=1):
                    pytest.fail("held twice")
    async with limiter.hold("import", "acme", at_most=1):
        pass


async def test_a_release_that_waits_is_waited_for():
    done = []

    class Slow:
        async def take(self, slots):
            async def release():
                done.append(slots)

            return release

    limiter = ConcurrencyLimiter(Slow())
    async with limiter.hold("import", "acme", at_most=1):
        assert not done
    assert len(done) == 1
    app = FastAPI()
    app.add_route("/", concurrency_limit(1)(lambda request: PlainTextResponse("")))
    guards = [RateLimitGuard(RateLimiter(MemoryRateLimitStore()))]
    async with client_of(
        SecurityMiddleware(app, guards=guards, services={ConcurrencyLimiter: limiter})
    ) as client:
        assert (await client.get("/")).status_code == 200
    assert len(done) == 2


@pytest.mark.parametrize("at_most", [0, -1, 1.5, True, None])
def test_what_allows_nothing_refuses_the_start(at_most):
    with pytest.raises(ConfigurationError, match="1 or more"):
        concurrency_limit(at_most)
    if at_most is not None:
        with pytest.raises(ConfigurationError, match="concurrent"):
            RateLimitSettings(concurrent=at_most)


def test_what_it_is_called():
    assert repr(concurrency_limit(3)) == "<concurrency limit: 3 per principal>"
    assert concurrency_limit(3).needs_principal
    assert not concurrency_limit(3, per="address").needs_principal


class FlakySlots(MemorySlotStore):
    fails = False

    async def take(self, slots):
        if self.fails:
            raise RateLimitStoreError(reason="away")
        return await super().take(slots)


async def places(store, count, at_most=8):
    found = [await store.take([Slot("export", "ada", at_most)]) for _ in range(count)]
    return sum(not isinstance(each, Slot) for each in found)


@pytest.mark.parametrize(("mode", "some"), [("local", 2), ("open", 20)])
async def test_while_redis_is_away_a_share_or_what_the_setting_says(mode, some):
    shared, now = FlakySlots(), 0.0
    settings = RateLimitSettings(
        on_failure=mode, allow_unlimited_on_failure=mode == "open", local_share=0.25
    )
    store = FallbackSlots(shared, local=MemorySlotStore(), settings=settings, clock=lambda: now)
    assert await places(store, 20) == 8
    shared.fails = True
    assert await places(store, 20) == some
    assert not store.is_shared
    release = await store.take([Slot("other", "ada", 1)])
    assert release() is None
    shared.fails, now = False, 2.0
    assert await places(store, 3) == 0
    assert store.is_shared


async def test_where_nobody_may_pass_unseen_all_are_refused():
    shared = FlakySlots()
    shared.fails = True
    store = FallbackSlots(
        shared, local=MemorySlotStore(), settings=RateLimitSettings(on_failure="closed")
    )
    with pytest.raises(RateLimitStoreError):
        await places(store, 1)


async def test_a_limit_per_address_alone():
    gate = Gate()
    settings = RateLimitSettings(concurrent_per_address=1)
    app = application(rate_limit("50/minute"), gate, settings=settings)
    async with client_of(app) as client:
        gate.open.set()
        assert (await client.get("/")).status_code == 200
    assert len(app.slots) == 0
