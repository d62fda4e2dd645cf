"""A process that makes digests of the log's rows: `python -m`, started by `LeafProcess`.

It is told the database on its standard input, reads ranges from there and answers on its standard
output, until the input ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import struct
import sys
from typing import BinaryIO, Final

from zenith.audit.reading_ahead import leaves_between
from zenith.kernel.errors import SecurityError
from zenith.kernel.keys import Secret
from zenith.stores.settings import DatabaseSettings
from zenith.stores.sql.audit_seals import SqlSealStore
from zenith.stores.sql.database import Database

HELLO: Final = b"zenith leaves 1\n"
RANGE: Final = struct.Struct(">qq")
LEAF: Final = struct.Struct(">q32s")
COUNT: Final = struct.Struct(">q")
FAILED: Final = -1


async def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the requests end."""
    told = json.loads(requests.readline())
    settings = DatabaseSettings(
        url=Secret(told["url"]),
        pool_size=1,
        connect_timeout=told["connect_timeout"],
        statement_timeout=told["statement_timeout"],
        application_name=told["application_name"],
    )
    _send(answers, HELLO)
    async with Database(settings) as database:
        store = SqlSealStore(database)
        while len(request := requests.read(RANGE.size)) == RANGE.size:
            after, through = RANGE.unpack(request)
            try:
                leaves = await leaves_between(store, told["stream"], after, through)
            except (SecurityError, OSError):
                _send(answers, COUNT.pack(FAILED))
                continue
            _send(
                answers, COUNT.pack(len(leaves)) + b"".join([LEAF.pack(*each) for each in leaves])
            )


def main() -> None:
    """Serve the one who started this process, and nobody else's output."""
    own = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    asyncio.run(serve(sys.stdin.buffer, own))


def _send(answers: BinaryIO, data: bytes) -> None:
    answers.write(data)
    answers.flush()


if __name__ == "__main__":
    main()
