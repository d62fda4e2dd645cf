"""A program that kills re-encryptions: `python -m tests.stores.killed_reencryption URL DIR KILLS`.

It forks a writer, which changes rows by the former and the new key and notes each change once it is
committed, and one re-encryption after the other, which it ends by SIGKILL. It prints what is left.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from sqlalchemy import Column, Integer, MetaData, Table, insert, select, update

from zenith.encryption import BlindIndex, EncryptedJSON, EncryptedString, EncryptionService
from zenith.stores.sql import ModelDatabase
from zenith.stores.sql.reencryption import Reencryption
from zenith.stores.sql.reencryption_bookmark import Bookmark

OLD = "violet-Tractor-pond-ninety-0123456789-abcdef"
NEW = "amber-Kettle-river-eleven-9876543210-fedcba"
ROWS = 240


class View:
    """The table as a process with these keys has it."""

    def __init__(self, url, service, index):
        metadata = MetaData()
        self.table = Table(
            "person",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("ssn", EncryptedString(service, index=index)),
            Column("note", EncryptedJSON(service)),
        )
        self.database = ModelDatabase(url, metadata=metadata)

    @classmethod
    def former(cls, url):
        service = EncryptionService(OLD, previous=[NEW])
        return cls(url, service, BlindIndex(OLD, also=[NEW]))

    @classmethod
    def present(cls, url):
        service = EncryptionService(NEW, previous=[OLD])
        return cls(url, service, BlindIndex(NEW, also=[OLD]))

    @classmethod
    def alone(cls, url):
        return cls(url, EncryptionService(NEW), BlindIndex(NEW))


async def fill(url):
    view = View.former(url)
    await view.database.create_tables()
    rows = [{"id": each, "ssn": f"{each:09}", "note": [0]} for each in range(ROWS)]
    async with view.database.engine.begin() as connection:
        await connection.execute(insert(view.table), rows)
    await view.database.close()


async def write(url, folder):
    """Count up in random rows until there is the file `stop`."""
    views = [View.former(url), View.present(url)]
    counts = [0] * ROWS
    while not (folder / "stop").exists():
        number = random.randrange(ROWS)
        counts[number] += 1
        view = random.choice(views)
        async with view.database.engine.begin() as connection:
            await connection.execute(
                update(view.table)
                .where(view.table.c.id == number)
                .values(note=[counts[number]], ssn=f"{number:09}")
            )
        await asyncio.sleep(0.001)
    (folder / "counts").write_text(json.dumps(counts))
    for view in views:
        await view.database.close()


async def reencrypt(url, folder):
    view = View.present(url)
    work = Reencryption(
        view.database.engine,
        [view.table],
        bookmark=Bookmark(folder / "mark", resume=True),
        page=4,
    )
    (report,) = await work.run()
    (folder / "report").write_text(
        json.dumps({"left": report.left, "broken": report.broken, "renewed": report.renewed})
    )
    await view.database.close()


async def read(url):
    """All rows by the new key alone, and whether each is found by the new index alone."""
    view = View.alone(url)
    async with view.database.engine.connect() as connection:
        rows = (await connection.execute(select(view.table).order_by(view.table.c.id))).all()
        found = 0
        for row in rows:
            same = select(view.table.c.id).where(view.table.c.ssn == row.ssn)
            found += (await connection.execute(same)).scalar_one() == row.id
    await view.database.close()
    return [row.note[0] for row in rows], [row.ssn for row in rows], found


def forked(work):
    child = os.fork()
    if child:
        return child
    try:
        asyncio.run(work)
    finally:
        os._exit(0)


def main():
    url, folder, kills = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    random.seed(folder.name)
    os.waitpid(forked(fill(url)), 0)
    writer = forked(write(url, folder))
    ended = 0
    for _ in range(kills):
        child = forked(reencrypt(url, folder))
        time.sleep(random.uniform(0.01, 0.09))
        os.kill(child, signal.SIGKILL)
        ended += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    marked = (folder / "mark").exists()
    (folder / "stop").touch()
    os.waitpid(writer, 0)
    os.waitpid(forked(reencrypt(url, folder)), 0)
    notes, numbers, found = asyncio.run(read(url))
    told = {
        "killed": ended,
        "marked": marked,
        "report": json.loads((folder / "report").read_text()),
        "notes": notes == json.loads((folder / "counts").read_text()),
        "changes": sum(notes),
        "numbers": numbers == [f"{each:09}" for each in range(ROWS)],
        "found": found,
    }
    print(json.dumps(told))  # noqa: T201  # it is a program


if __name__ == "__main__":
    main()
