"""What is asked for with each request costs PostgreSQL one round trip, not three."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy.engine import make_url

from zenith.authentication.store import Revocation
from zenith.kernel.events import Event, EventType
from zenith.sessions.store import SessionRecord
from zenith.stores.sql import (
    Database,
    SqlAccountStore,
    SqlAuditStore,
    SqlOneTimeStore,
    SqlRefreshStore,
    SqlRevocationStore,
    SqlSessionStore,
)
from zenith.tokens.store import RefreshFamily


class Proxy:
    """Passes bytes on, and counts how often the client begins to speak."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._tasks: set[asyncio.Task[None]] = set()
        self.trips = 0
        self._last = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(*self._target)
        for name, source, sink in (("client", reader, forth), ("server", back, writer)):
            task = asyncio.create_task(self._pass(name, source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(
        self, name: str, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        try:
            while data := await source.read(65536):
                if name == "client" and self._last != "client":
                    self.trips += 1
                self._last = name
                sink.write(data)
        finally:
            sink.close()

    async def settled(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
async def proxied(upgraded_postgres_url: str) -> AsyncIterator[tuple[Proxy, Database]]:
    """The test's database, through a proxy that counts."""
    url = make_url(upgraded_postgres_url)
    proxy = Proxy(url.host or "", url.port or 0)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    through = url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
    async with Database(f"{through}?sslmode=disable") as database:
        yield proxy, database
    await proxy.settled()
    server.close()
    await server.wait_closed()


async def test_the_hot_verbs_take_one_round_trip(proxied: tuple[Proxy, Database]) -> None:
    proxy, database = proxied
    sessions, refresh = SqlSessionStore(database), SqlRefreshStore(database)
    revocations, one_time = SqlRevocationStore(database), SqlOneTimeStore(database)
    audit, accounts = SqlAuditStore(database), SqlAccountStore(database)
    await sessions.create(
        SessionRecord(
            id="s",
            account_id="a",
            kind="browser",
            digest="d",
            created_at=1.0,
            last_seen_at=1.0,
            idle_expires_at=1e9,
            expires_at=1e9,
        )
    )
    await refresh.start(
        RefreshFamily(
            id="f", account_id="a", handle="h", current="t0", created_at=1.0, expires_at=1e9
        )
    )
    turns = iter(range(100))

    async def rotate() -> None:
        turn = next(turns)
        rotation = await refresh.rotate(
            handle="h", presented=f"t{turn}", successor=f"t{turn + 1}", now=5.0, grace=1.0
        )
        assert rotation.outcome == "rotated"

    verbs = {
        "find": lambda: sessions.find("d", now=5.0),
        "touch": lambda: sessions.touch("s", now=5.0, idle_expires_at=50.0),
        "rotate": rotate,
        "since": lambda: revocations.since(0.0),
        "revoke": lambda: revocations.add(
            [Revocation(kind="token", key=key, at=1.0, until=2.0) for key in "ab"]
        ),
        "consume": lambda: one_time.consume("d", purpose="p", now=1.0),
        "append": lambda: audit.append([Event(type=EventType.LOGOUT, outcome="success", at=1.0)]),
        "by_id": lambda: accounts.by_id("a"),
    }
    counted: dict[str, float] = {}
    for name, verb in verbs.items():
        await verb()  # prepares the statement once for each connection
        before = proxy.trips
        await verb()
        await verb()
        counted[name] = (proxy.trips - before) / 2
    assert counted == dict.fromkeys(verbs, 1)
