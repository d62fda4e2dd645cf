"""FastAPI and nothing else: what all others are compared with."""

from __future__ import annotations

from itertools import count as count_from

from fastapi import FastAPI

from benchmarks.apps.assembled import issue
from benchmarks.apps.shop import create_item, get_with_token, post, read_item
from benchmarks.driver import Call


class Bare:
    """Answers everybody; its requests carry what those of the others carry."""

    def __init__(self) -> None:
        self.app = FastAPI(openapi_url=None)
        self.app.get("/items/{item_id}")(read_item)
        self.app.post("/items")(create_item)
        self._numbers = count_from(1)

    async def start(self) -> None:
        """Build what FastAPI builds with the first request."""
        self.app.middleware_stack = self.app.build_middleware_stack()

    async def stop(self) -> None:
        """Nothing is held."""

    def seen(self) -> Call:
        return get_with_token(issue(0))

    def unseen(self, count: int) -> list[Call]:
        return [get_with_token(issue(next(self._numbers))) for _ in range(count)]

    def change(self) -> Call:
        cookie = b"session=" + b"x" * 43
        return post((b"cookie", cookie), (b"x-csrf-token", b"x" * 86))
