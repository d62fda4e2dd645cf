"""API keys: from a request's header to who calls."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.options import Options
from benchmarks.report import Budget, Row
from benchmarks.timing import Batch, interleave
from zenith.api_keys import Actor, APIKeys, APIKeyScheme, KeyRequest, LastUses
from zenith.authentication import RevocationList, SubjectCache
from zenith.kernel.events import Silence
from zenith.kernel.principal import Principal
from zenith.pipeline import Exchange
from zenith.stores.memory import MemoryAPIKeyStore, MemoryRevocationStore

TITLE = "API keys (CPU time from the header to who calls)"
ROUNDS = 60
KEYS = 1000


class _Nobody:
    async def find(self, subject_id: str, tenant: str | None = None) -> None:
        del subject_id, tenant


async def _receive() -> dict[str, Any]:
    return {}


def _exchange(key: str) -> Exchange:
    headers = [(b"host", b"localhost"), (b"accept", b"*/*"), (b"x-api-key", key.encode())]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers, "query_string": b""}
    return Exchange(scope, _receive)


async def _ours(store: MemoryAPIKeyStore) -> tuple[APIKeyScheme, list[str]]:
    revocations = RevocationList(MemoryRevocationStore())
    keys = APIKeys(store, revocations, Silence())
    actor = Actor.local(Principal(subject="operator", kind="service"))
    request = KeyRequest(name="benchmark", scopes=["posts:read"])
    made = [(await keys.issue(actor, request)).secret.reveal() for _ in range(KEYS)]
    subjects = SubjectCache(_Nobody(), revocations)
    return APIKeyScheme(store, subjects, revocations, uses=LastUses(store)), made


def _again(scheme: APIKeyScheme, key: str) -> Batch:
    exchange = _exchange(key)

    async def run(count: int) -> None:
        for _ in range(count):
            if scheme.recall(exchange) is None:
                await scheme.authenticate(exchange)

    return run


def _naive(file: Path, keys: list[str]) -> Batch:
    """As tutorials do: SHA-256, one indexed query of SQLite, nothing kept."""
    database = sqlite3.connect(file)
    database.execute("CREATE TABLE keys (hash TEXT PRIMARY KEY, owner TEXT, revoked INTEGER)")
    rows = [(hashlib.sha256(key.encode()).hexdigest(), "ada", 0) for key in keys]
    database.executemany("INSERT INTO keys VALUES (?, ?, ?)", rows)
    database.commit()

    async def run(count: int) -> None:
        for _ in range(count):
            key_hash = hashlib.sha256(keys[0].encode()).hexdigest()
            found = database.execute(
                "SELECT owner, revoked FROM keys WHERE hash = ?", (key_hash,)
            ).fetchone()
            if found is None or found[1]:
                raise LookupError

    return run


async def measure(options: Options) -> AsyncIterator[Row]:
    """A key that was met within the last second, against hash and query for every request."""
    scheme, keys = await _ours(MemoryAPIKeyStore())
    with TemporaryDirectory() as folder:
        found = await interleave(
            {
                "zenith": _again(scheme, keys[0]),
                "naive": _naive(Path(folder) / "keys.db", keys),
            },
            rounds=options.rounds(ROUNDS),
        )
    ratio, spread = found.ratio("zenith", "naive")
    yield Row(
        name="API key, again: a request's key to its principal",
        ours=found.of("zenith"),
        peer_name="SHA-256 + one SQLite query",
        peer=found.of("naive"),
        ratio=ratio,
        spread=spread,
        budget=Budget(value=0.25),
    )
