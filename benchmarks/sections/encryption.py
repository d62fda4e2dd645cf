"""Fields that are encrypted: one written and read again, beside what it is made of and Fernet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from cryptography.fernet import Fernet
from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.dialects.sqlite import dialect

from benchmarks.options import Options
from benchmarks.report import Budget, Row
from benchmarks.timing import interleave, repeat
from zenith.encryption import BlindIndex, EncryptedString, EncryptionService
from zenith.kernel.keys import new_token

TITLE = "Encryption (CPU time to encrypt and decrypt a field of 20 bytes)"
ROUNDS = 60
FIELD = "078-05-1120 and more"
BUDGET = 9.0


async def measure(options: Options) -> AsyncIterator[Row]:
    """The service, a column, and a column with a blind index."""
    service, fernet = EncryptionService(new_token(48)), Fernet(Fernet.generate_key())
    table = Table(
        "person",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("plain", EncryptedString(service)),
        Column("found", EncryptedString(service, index=BlindIndex(new_token(48)))),
    )
    found = await interleave(
        {
            "service": repeat(lambda: service.decrypt(service.encrypt(FIELD))),
            "column": repeat(_column(table.c.plain)),
            "indexed": repeat(_column(table.c.found)),
            "Fernet": repeat(lambda: fernet.decrypt(fernet.encrypt(FIELD.encode()))),
        },
        rounds=options.rounds(ROUNDS),
    )
    ratio, spread = found.ratio("service", "Fernet")
    yield Row(
        name="encrypt and decrypt a field",
        ours=found.of("service"),
        peer_name="Fernet",
        peer=found.of("Fernet"),
        ratio=ratio,
        spread=spread,
        budget=Budget(value=BUDGET, of="ours"),
    )
    yield Row(name="encrypt and decrypt a column", ours=found.of("column"))
    yield Row(name="encrypt and decrypt a column with a blind index", ours=found.of("indexed"))


def _column(column: Column[Any]) -> Callable[[], object]:
    """To the database and back, as SQLAlchemy does it for each value."""
    sqlite = dialect()
    write = column.type.bind_processor(sqlite)
    read = column.type.result_processor(sqlite, None)
    if write is None or read is None or read(write(FIELD)) != FIELD:
        raise RuntimeError("a value does not come back")
    return lambda: read(write(FIELD))
