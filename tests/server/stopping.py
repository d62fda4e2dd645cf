"""An application that a test stops: `python -m tests.server.stopping PORT FOLDER`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute

from zenith.authorization import public
from zenith.kernel.errors import ServiceUnavailableError
from zenith.pipeline import SecurityMiddleware
from zenith.server import BoundedHttpTools, DrainGuard

DRAIN = 0.5
PATIENCE = 0.8
PIECES = 7


def make_app(folder: Path) -> SecurityMiddleware:
    drain = DrainGuard(DRAIN)

    @public
    async def ready(request):
        try:
            drain.require_service()
        except ServiceUnavailableError as error:
            return PlainTextResponse("", status_code=error.status)
        return PlainTextResponse("ready")

    async def count():
        for each in range(PIECES):
            yield f"{each}\n"
            await asyncio.sleep(0.1)

    async def repeat():
        while True:
            yield "x"
            await asyncio.sleep(0.05)

    async def work():
        await asyncio.sleep(DRAIN + 0.3)
        (folder / "done").touch()

    @public
    async def socket(ws):
        await ws.accept()
        async for text in ws.iter_text():
            await ws.send_text(text)
        (folder / "told").touch()

    routes = [
        Route("/ready", ready),
        Route("/stream", public(lambda request: StreamingResponse(count()))),
        Route("/forever", public(lambda request: StreamingResponse(repeat()))),
        Route("/later", public(lambda request: later(BackgroundTask(work)))),
        WebSocketRoute("/socket", socket),
    ]
    app = Starlette(routes=routes)
    return SecurityMiddleware(app, guards=[drain])


def later(task: BackgroundTask) -> PlainTextResponse:
    return PlainTextResponse("later", background=task)


if __name__ == "__main__":
    uvicorn.run(
        make_app(Path(sys.argv[2])),
        port=int(sys.argv[1]),
        http=BoundedHttpTools,
        log_level="warning",
        timeout_graceful_shutdown=PATIENCE,
    )
