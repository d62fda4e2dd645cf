"""Re-encrypt many rows on a PostgreSQL server while somebody writes, and pull the plug on the way.

python -m benchmarks.reencryption_killed 1000000 postgresql+asyncpg://... [KILLS]

The re-encryption is ended by SIGKILL after equal parts of its way and resumed each time. At the end
every row is read by the new key alone: each must hold what was last committed to it.
"""

from __future__ import annotations

import asyncio
import json
import mmap
import os
import random
import resource
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table, insert, select, update

from zenith.encryption import BlindIndex, EncryptedString, EncryptionService
from zenith.kernel.keys import new_token
from zenith.stores.sql import ModelDatabase
from zenith.stores.sql.reencryption import Reencryption, TableReport
from zenith.stores.sql.reencryption_bookmark import Bookmark

CHUNK = 5_000
PAUSE = 0.02
OLD, NEW = new_token(48), new_token(48)
FOUND = 1_000
SEEN = struct.Struct("qq")


class View:
    """The table as a process with these keys has it."""

    def __init__(self, url: str, service: EncryptionService, index: BlindIndex) -> None:
        metadata = MetaData()
        self.table = Table(
            "person",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("ssn", EncryptedString(service, index=index)),
            Column("note", EncryptedString(service)),
        )
        self.database = ModelDatabase(url, metadata=metadata)

    @classmethod
    def former(cls, url: str) -> View:
        service = EncryptionService(OLD, previous=[NEW])
        return cls(url, service, BlindIndex(OLD, also=[NEW]))

    @classmethod
    def present(cls, url: str) -> View:
        service = EncryptionService(NEW, previous=[OLD])
        return cls(url, service, BlindIndex(NEW, also=[OLD]))

    @classmethod
    def alone(cls, url: str) -> View:
        return cls(url, EncryptionService(NEW), BlindIndex(NEW))


async def fill(url: str, rows: int) -> None:
    view = View.former(url)
    async with view.database.engine.begin() as connection:
        await connection.run_sync(view.table.metadata.drop_all)
    await view.database.create_tables()
    for first in range(0, rows, CHUNK):
        ids = range(first, min(first + CHUNK, rows))
        values = [{"id": each, "ssn": f"{each:09}", "note": "0"} for each in ids]
        async with view.database.engine.begin() as connection:
            await connection.execute(insert(view.table), values)
    await view.database.close()


async def write(url: str, rows: int, folder: Path) -> None:
    """Count up in random rows until there is the file `stop`; by the former key too, as a process
    that has not heard of the new one, until there is the file `heard`.
    """
    views = [View.former(url), View.present(url)]
    counts: dict[int, int] = {}
    took: list[float] = []
    while not (folder / "stop").exists():
        number = random.randrange(rows)
        view = views[1] if (folder / "heard").exists() else random.choice(views)
        counts[number] = counts.get(number, 0) + 1
        start = time.perf_counter()
        async with view.database.engine.begin() as connection:
            await connection.execute(
                update(view.table)
                .where(view.table.c.id == number)
                .values(note=str(counts[number]), ssn=f"{number:09}")
            )
        took.append(time.perf_counter() - start)
        await asyncio.sleep(PAUSE)
    took.sort()
    told = {"counts": counts, "p99": took[len(took) * 99 // 100], "max": took[-1]}
    (folder / "written").write_text(json.dumps(told))
    for view in views:
        await view.database.close()


async def reencrypt(url: str, folder: Path, progress: mmap.mmap) -> None:
    view = View.present(url)
    last = [0, ""]

    def tell(report: TableReport) -> None:
        if report.step != last[1]:
            last[:] = [0, report.step]
        done, _ = SEEN.unpack(progress[: SEEN.size])
        step = report.seen - int(last[0])
        progress[: SEEN.size] = SEEN.pack(done + step, report.step == "verify")
        last[0] = report.seen

    bookmark = Bookmark(folder / "mark", resume=True)
    work = Reencryption(view.database.engine, [view.table], bookmark=bookmark, tell=tell)
    (report,) = await work.run()
    told = {name: getattr(report, name) for name in ("seen", "renewed", "left", "broken")}
    told["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    (folder / "report").write_text(json.dumps(told))
    await view.database.close()


async def read(url: str, rows: int, counts: dict[int, int]) -> dict[str, int]:
    """What does not hold what it should, by the new key alone."""
    view = View.alone(url)
    wrong = total = found = 0
    async with view.database.engine.connect() as connection:
        for first in range(0, rows, CHUNK):
            page = select(view.table).where(view.table.c.id.between(first, first + CHUNK - 1))
            for row in await connection.execute(page):
                total += 1
                wrong += row.ssn != f"{row.id:09}" or row.note != str(counts.get(row.id, 0))
        for number in random.sample(range(rows), min(rows, FOUND)):
            same = select(view.table.c.id).where(view.table.c.ssn == f"{number:09}")
            found += (await connection.execute(same)).scalar_one() == number
    await view.database.close()
    return {"rows": total, "wrong": wrong, "found_by_index": found}


def forked(work: Coroutine[Any, Any, None]) -> int:
    child = os.fork()
    if child:
        work.close()
        return child
    status = 1
    try:
        asyncio.run(work)
        status = 0
    finally:
        os._exit(status)


def until(child: int, progress: mmap.mmap, done: int) -> bool:
    """Kill the child once it got there; whether it was killed."""
    while SEEN.unpack(progress[: SEEN.size])[0] < done:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def say(step: str, rows: int, start: float) -> float:
    now = time.perf_counter()
    print(f"{step}: {now - start:.1f} s, {rows / (now - start):.0f} rows/s", flush=True)
    return now


def main() -> None:
    rows, url = int(sys.argv[1]), sys.argv[2]
    kills = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    progress = mmap.mmap(-1, SEEN.size)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        now = time.perf_counter()
        os.waitpid(forked(fill(url, rows)), 0)
        now = say("insert", rows, now)
        writer = forked(write(url, rows, folder))
        killed = 0
        for each in range(kills):
            child = forked(reencrypt(url, folder, progress))
            killed += until(child, progress, rows * (each + 1) // (kills + 1))
            now = say(f"killed {killed}", rows // (kills + 1), now)
        (folder / "heard").touch()
        child = forked(reencrypt(url, folder, progress))
        while not SEEN.unpack(progress[: SEEN.size])[1]:
            time.sleep(0.05)
        now = say("the rest", rows // (kills + 1), now)
        os.waitpid(child, 0)
        say("verify", rows, now)
        (folder / "stop").touch()
        os.waitpid(writer, 0)
        written = json.loads((folder / "written").read_text())
        counts = {int(row): count for row, count in written.pop("counts").items()}
        print(json.dumps({"killed": killed, "report": json.loads((folder / "report").read_text())}))
        print(json.dumps({"changes": sum(counts.values())} | written))
        print(json.dumps(asyncio.run(read(url, rows, counts))))


if __name__ == "__main__":
    main()
