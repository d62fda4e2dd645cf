"""What the applications do: the same handlers and the same data for all."""

from __future__ import annotations

import json

from pydantic import BaseModel

from benchmarks.driver import BROWSER, Call, Headers

ORIGIN = b"https://bench.example"
SECRET = "c0Qe1yU2rS3tX4vB5nM6kJ7hG8fD9aZ0"
ITEMS_PATH = "/items"
ITEM_PATH = "/items/42"


class Item(BaseModel):
    """What is sold."""

    id: int
    name: str
    price: float
    tags: list[str] = []


BODY = json.dumps({"id": 7, "name": "a chair", "price": 49.5, "tags": ["oak", "red"]}).encode()


async def read_item(item_id: int) -> Item:
    return Item(id=item_id, name="a table", price=99.0, tags=["oak"])


async def create_item(item: Item) -> Item:
    return item


def get(*more: tuple[bytes, bytes], path: str = ITEM_PATH) -> Call:
    """A GET as a program sends it."""
    return Call(path=path, headers=[*BROWSER, *more])


def get_with_token(token: str, path: str = ITEM_PATH) -> Call:
    """A GET with a bearer token."""
    return get((b"authorization", f"Bearer {token}".encode("ascii")), path=path)


def post(*more: tuple[bytes, bytes], path: str = ITEMS_PATH) -> Call:
    """A POST of JSON as the application's own page sends it."""
    headers: Headers = [
        *BROWSER,
        (b"content-type", b"application/json"),
        (b"content-length", str(len(BODY)).encode("ascii")),
        (b"origin", ORIGIN),
        (b"sec-fetch-site", b"same-origin"),
        *more,
    ]
    return Call(method="POST", path=path, headers=headers, body=BODY)
