"""An application between its start and its stop, within a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp, Message


@asynccontextmanager
async def running(app: ASGIApp) -> AsyncGenerator[None]:
    """Starts `app` as a server does, and stops it at the end: for `async with`.

    Clients that call an application in the same process (`httpx.ASGITransport`) send no lifespan,
    so databases have no tables yet, and connections stay open. Raises whatever the start or the
    stop raises.
    """
    asked: asyncio.Queue[Message] = asyncio.Queue()
    answers: asyncio.Queue[Message] = asyncio.Queue()

    async def live() -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        await app(scope, asked.get, answers.put)

    async def ask(what: str) -> None:
        await asked.put({"type": f"lifespan.{what}"})
        answer = asyncio.create_task(answers.get())
        await asyncio.wait({life, answer}, return_when=asyncio.FIRST_COMPLETED)
        if answer.cancel() or not answer.result()["type"].endswith(".complete"):
            await life

    life = asyncio.create_task(live())
    await ask("startup")
    try:
        yield
    finally:
        await ask("shutdown")
        await life
