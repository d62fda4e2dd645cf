"""A process that used a database forks; the child uses it, too. Ends with 0 if both could."""

from __future__ import annotations

import asyncio
import os
import sys

from zenith.stores.sql import Database


def main() -> int:
    database = Database(sys.argv[1])
    asyncio.run(database.ping())
    child = os.fork()
    asyncio.run(database.ping())
    if child == 0:
        os._exit(0)
    _, status = os.waitpid(child, 0)
    asyncio.run(database.ping())
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
