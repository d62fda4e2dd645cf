"""Seals as bytes."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from tests.audit.sealed import SECRET
from zenith.audit.keys import AuditKeys
from zenith.audit.seal import (
    EMPTY,
    ENTRY_BYTES,
    NO_ID,
    Entry,
    Seal,
    SealKind,
    Tombstone,
    head_of,
    make_seal,
    raw_id,
)

KEYS = AuditKeys([SECRET])
ENTRIES = [Entry(1, bytes(range(16)), b"\x07" * 32), Entry(2, NO_ID, b"\x08" * 32)]
STONE = Tombstone(
    through=3,
    seals=2,
    events=9,
    first_at=1.0,
    last_at=2.0,
    before=5.0,
    last_hash=b"\x01" * 32,
    digest=b"\x02" * 32,
)


def made(kind: SealKind = SealKind.EVENTS, what: object = None) -> Seal:
    entries = ENTRIES if what is None else what
    return make_seal(
        KEYS,
        EMPTY,
        entries,  # type: ignore[arg-type]  # either of two
        stream="main",
        kind=kind,
        at=1.5,
        writer="w",
        through=0,
    )


def test_the_hash_is_as_documented() -> None:
    seal = made()
    texts = b"\x00\x00\x00\x04main" + b"\x00\x00\x00\x06events" + b"\x00\x00\x00\x01w"
    fixed = bytes(8) + bytes(32) + bytes.fromhex(KEYS.key_id) + b"\x3f\xf8" + bytes(6)
    fixed += (2).to_bytes(8, "big") + bytes(8)
    first = (1).to_bytes(8, "big") + bytes(range(16)) + b"\x07" * 32
    second = (2).to_bytes(8, "big") + bytes(16) + b"\x08" * 32
    whole = b"zenith-audit-seal\x01" + texts + fixed + first + second
    assert seal.hash == hashlib.sha256(whole).digest()
    assert seal.is_whole()
    assert KEYS.is_seal_marked(seal.key_id, seal.hash, seal.mac)
    assert len(first) == ENTRY_BYTES


def test_entries_come_back() -> None:
    assert made().unpacked() == ENTRIES
    with pytest.raises(ValueError, match="cut off"):
        replace(made(), entries=b"short").unpacked()


def test_what_is_missing_or_pruned_does_not_count_as_sealed() -> None:
    assert made().total == 2
    assert made(SealKind.MISSING).total == 0
    assert made(SealKind.PRUNED, STONE).total == 0
    assert head_of(made()) == (0, made().hash, 2)


def test_a_tombstone_comes_back() -> None:
    seal = made(SealKind.PRUNED, STONE)
    assert seal.tombstone() == STONE
    assert made().tombstone() is None
    with pytest.raises(ValueError, match="no tombstone"):
        Tombstone.unpack(b"short")


@pytest.mark.parametrize(
    "change",
    [
        {"number": "x"},
        {"previous": b""},
        {"previous": "text"},
        {"key_id": "zz"},
        {"key_id": "00"},
        {"key_id": None},
        {"entries": "text"},
        {"stream": None},
        {"at": None},
        {"number": 1 << 80},
        {"at": 2.5},
        {"hash": None},
    ],
)
def test_what_is_no_seal_is_not_whole(change: dict[str, object]) -> None:
    assert not replace(made(), **change).is_whole()  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize("text", [None, "", "zz", "00", "00" * 17])
def test_an_id_of_another_form_is_none(text: str | None) -> None:
    assert raw_id(text) == NO_ID


def test_an_id_is_its_bytes() -> None:
    assert raw_id("ab" * 16) == b"\xab" * 16
