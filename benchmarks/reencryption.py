"""Re-encrypt many rows once, on SQLite or a PostgreSQL server, and say how long each step takes.

python -m benchmarks.reencryption 1000000 [postgresql+asyncpg://...]
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import Column, Integer, MetaData, Table, insert

from zenith.encryption import BlindIndex, DataKey, EncryptedString, EncryptionService, Keyring
from zenith.kernel.keys import Secret, new_token
from zenith.stores.sql import ModelDatabase
from zenith.stores.sql.reencryption import Reencryption, TableReport
from zenith.stores.sql.reencryption_bookmark import Bookmark

CHUNK = 10_000


async def run(rows: int, url: str, folder: Path) -> None:
    """Fill, rotate, re-encrypt, verify."""
    service = EncryptionService(Keyring.from_secret(Secret(new_token(48))))
    table = Table(
        "person",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("ssn", EncryptedString(service, index=BlindIndex(new_token(48)))),
    )
    database = ModelDatabase(url, metadata=table.metadata)
    await database.create_tables()
    start = time.perf_counter()
    for first in range(0, rows, CHUNK):
        values = [{"id": each, "ssn": f"{each:09}"} for each in range(first, first + CHUNK)]
        async with database.engine.begin() as connection:
            await connection.execute(insert(table), values)
    _say("insert", rows, time.perf_counter() - start)
    service.keyring.rotate(DataKey.new())
    steps: dict[str, tuple[float, float]] = {}

    def tell(report: TableReport) -> None:
        now = time.perf_counter()
        begun, _ = steps.get(report.step, (steps.get("re-encrypt", (0, start))[1], now))
        steps[report.step] = (begun, now)

    start = time.perf_counter()
    bookmark = Bookmark(folder / "mark", resume=True)
    work = Reencryption(database.engine, [table], bookmark=bookmark, tell=tell)
    (report,) = await work.run()
    for step, (begun, ended) in steps.items():
        _say(step, rows, ended - begun)
    print(f"renewed {report.renewed}, left {report.left}, broken {report.broken}")
    print(f"largest memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB")
    await database.close()


def _say(step: str, rows: int, seconds: float) -> None:
    print(f"{step}: {seconds:.1f} s, {rows / seconds:.0f} rows/s", flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        url = sys.argv[2] if len(sys.argv) > 2 else f"sqlite:///{place}/models.db"
        asyncio.run(run(int(sys.argv[1]), url, place))
