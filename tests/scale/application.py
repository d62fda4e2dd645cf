"""The server of `zenith serve`, and with it a small application that limits and writes."""

from __future__ import annotations

from fastapi import APIRouter
from sqlmodel import Field

from zenith import Request, Zenith, ZenithModel, public, rate_limit
from zenith.console import create_server as create_ready_server
from zenith.rate_limits import Limit
from zenith.rate_limits.strategies import STRATEGIES
from zenith.settings import Settings

LIMIT = 100
FEW = 20
DAY = 86_400
"""A window that no test is likely to see the border of."""


class ScaleNote(ZenithModel, table=True):
    """What a client was told is kept."""

    __tablename__ = "scale_notes"
    text: str = Field(primary_key=True)


def caller(request: Request) -> str:
    """Who calls, by its own word; tests only."""
    return request.headers["x-caller"]


def routes() -> APIRouter:
    """A route per way of counting, one that writes, and one of several limits."""
    router = APIRouter(prefix="/scale")
    for strategy in STRATEGIES:
        limited = rate_limit(
            Limit(LIMIT, DAY, strategy), key_func=caller, name=strategy, replaces_default=True
        )

        @router.get(f"/{strategy}", name=strategy)
        @limited
        @public
        async def count() -> dict[str, str]:
            return {}

    @router.get("/few")
    @rate_limit(requests=FEW, window=DAY, key_func=caller, name="few", replaces_default=True)
    @public
    async def few() -> dict[str, str]:
        return {}

    @router.post("/notes/{text}")
    @rate_limit("100000/minute", replaces_default=True)
    @public
    async def note(text: str) -> dict[str, str]:
        await ScaleNote.create({"text": text})
        return {"text": text}

    return router


def create_server(settings: Settings | None = None) -> Zenith:
    """What each process serves."""
    app = create_ready_server(settings)
    app.include_router(routes())
    return app
