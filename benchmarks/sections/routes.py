"""An application with 300 routes, the last of which is called."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import FastAPI

from benchmarks.apps import Protected
from benchmarks.apps.protected import guarded_read
from benchmarks.apps.shop import read_item
from benchmarks.driver import send_all
from benchmarks.options import Options
from benchmarks.report import Budget, Row
from benchmarks.timing import interleave
from zenith.app import Zenith

TITLE = "Many routes (CPU time; ratio: share of bare FastAPI's throughput kept)"
ROUTES = 300
LAST = f"/api/v1/things{ROUTES - 1}/42"
ROUNDS = 40


def _bare_routes(app: FastAPI) -> None:
    for number in range(ROUTES):
        app.get(f"/api/v1/things{number}/{{item_id}}")(read_item)


def _protected_routes(app: Zenith) -> None:
    for number in range(ROUTES):
        app.get(f"/api/v1/things{number}/{{item_id}}")(guarded_read)


async def measure(options: Options) -> AsyncIterator[Row]:
    """Every protection and a look-up of the route, against looking through the routes."""
    bare = FastAPI(openapi_url=None)
    _bare_routes(bare)
    protected = Protected(_protected_routes)
    await protected.start()
    try:
        call = protected.seen_at(LAST)
        found = await interleave(
            {
                "bare": lambda count: send_all(bare, [call] * count),
                "zenith": lambda count: send_all(protected.app, [call] * count),
            },
            rounds=options.rounds(ROUNDS),
            milliseconds=25.0,
        )
    finally:
        await protected.stop()
    ratio, spread = found.ratio("bare", "zenith")
    yield Row(
        name=f"GET, token seen before, last of {ROUTES} routes",
        ours=found.of("zenith"),
        peer_name="bare FastAPI",
        peer=found.of("bare"),
        ratio=ratio,
        spread=spread,
        budget=Budget(value=1.0, bound="at least"),
    )
