"""`python -m benchmarks.start NAME FOLDER`: seconds of CPU until 1,000 routes are ready to serve.

The folder's database is made by the first run, so that later ones start as applications usually do.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from fastapi import FastAPI

from benchmarks.apps.protected import guarded_read, settings_in
from benchmarks.apps.shop import read_item
from benchmarks.driver import Lifespan
from zenith.app import Zenith

ROUTES = 1000


def build(name: str, folder: Path) -> FastAPI:
    """The application with its routes."""
    if name == "zenith":
        app: FastAPI = Zenith(settings=settings_in(folder))
        endpoint = guarded_read
    else:
        app, endpoint = FastAPI(openapi_url=None), read_item
    for number in range(ROUTES):
        app.get(f"/api/v1/things{number}/{{item_id}}")(endpoint)
    return app


async def start(name: str, folder: Path) -> float:
    """Seconds of CPU time from nothing to ready."""
    started = time.process_time()
    async with Lifespan(build(name, folder)):
        return time.process_time() - started


if __name__ == "__main__":
    print(asyncio.run(start(sys.argv[1], Path(sys.argv[2]))))
