"""One of several processes that want the same thing at the same time.

It reads a line `[url, race, callers]`, prints `ready`, waits for another line, lets all callers run
at once, prints what each got as a JSON list, and begins anew.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from zenith.accounts.store import Account
from zenith.stores.sql import Database, SqlAccountStore, SqlOneTimeStore, SqlRefreshStore, upgrade

Race = Callable[[Database, str], Awaitable[Any]]


def account(name: str, email: str, *roles: str) -> Account:
    return Account(id=f"id-{name}", email=email, email_key=email, roles=roles, created_at=1.0)


async def consume(database: Database, name: str) -> Any:
    return await SqlOneTimeStore(database).consume("digest", purpose="race", now=5.0)


async def rotate(database: Database, name: str) -> Any:
    rotation = await SqlRefreshStore(database).rotate(
        handle="handle", presented="t0", successor="t1", now=1100.0, grace=60.0
    )
    return rotation.outcome


async def create_first(database: Database, name: str) -> Any:
    first = account(name, f"{name}@example.org", "admin")
    return await SqlAccountStore(database).create_first(first, role="admin")


async def create(database: Database, name: str) -> Any:
    return await SqlAccountStore(database).create(account(name, "same@example.org", "user"))


async def resign(database: Database, name: str) -> Any:
    """Every holder gives up the role at the same time."""
    holder = f"id-{name.rpartition('-')[2]}"
    return await SqlAccountStore(database).set_roles(holder, ["user"], keep_one="admin")


async def change_password(database: Database, name: str) -> Any:
    return await SqlAccountStore(database).set_password(
        "id-ada", name, expected="old", changed_at=2.0
    )


async def migrate(database: Database, name: str) -> Any:
    return await upgrade(database)


RACES: dict[str, Race] = {
    "change_password": change_password,
    "consume": consume,
    "create": create,
    "create_first": create_first,
    "migrate": migrate,
    "resign": resign,
    "rotate": rotate,
}


async def line() -> str:
    return await asyncio.to_thread(sys.stdin.readline)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def main() -> None:
    while request := await line():
        url, race, callers = json.loads(request)
        async with Database(url) as database:
            await database.ping()
            say("ready")
            await line()
            names = [f"{os.getpid()}-{number}" for number in range(callers)]
            results = await asyncio.gather(*(RACES[race](database, name) for name in names))
        say(json.dumps(results))


if __name__ == "__main__":
    asyncio.run(main())
