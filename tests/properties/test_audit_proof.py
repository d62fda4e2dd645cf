"""Whatever is in a log: one encoding for one event, and damaged lines that raise nothing else."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from tests.audit.sealed import SECRET
from zenith.audit.checkpoint import read_checkpoint, sign_checkpoint
from zenith.audit.keys import AuditKeys
from zenith.audit.record import FIRST_TEXT, TEXTS, encode, encoded, leaf
from zenith.audit.seal import Head, Tombstone

KEYS = AuditKeys([SECRET])
LINE = sign_checkpoint(KEYS, "main", Head(3, b"\x05" * 32, 12), 1.5).line()
texts = st.lists(
    st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
    min_size=len(TEXTS),
    max_size=len(TEXTS),
)
anything = st.none() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(max_size=3)


@given(texts, texts)
def test_two_events_share_no_encoding(one: list[str | None], other: list[str | None]) -> None:
    assert (encode(1.0, one) == encode(1.0, other)) == (one == other)


@given(texts, st.integers(0, len(TEXTS) - 2))
def test_what_moves_across_a_border_is_another_event(values: list[str | None], at: int) -> None:
    left, right = values[at] or "", values[at + 1] or ""
    if left:
        moved = [*values[:at], left[:-1], left[-1] + right, *values[at + 2 :]]
        assert encode(1.0, values) != encode(1.0, moved)


@given(st.lists(anything, min_size=FIRST_TEXT + len(TEXTS), max_size=FIRST_TEXT + len(TEXTS)))
def test_a_row_of_anything_raises_nothing(values: list[object]) -> None:
    row = tuple(values)
    assert len(leaf(row)) == 32
    data = encoded(row)
    assert data is None or KEYS.is_marked(data, KEYS.mark(data))


usual = st.text(max_size=3) | st.none()
strange = usual | st.binary(max_size=2) | st.integers(0, 3) | st.just("\udc80")


@given(
    st.floats() | st.just(3) | st.none(),
    st.binary(max_size=3) | st.none() | st.just("") | st.just("x"),
    st.lists(usual, min_size=len(TEXTS), max_size=len(TEXTS))
    | st.lists(strange, min_size=len(TEXTS) - 1, max_size=len(TEXTS) + 1),
)
def test_the_short_way_to_a_digest_is_the_documented_one(
    at: object, mac: object, values: list[object]
) -> None:
    row = (1, at, mac, *values)
    data = encoded(row)
    try:
        expected = b"\x00unreadable" if data is None else data + (mac or b"")  # type: ignore[operator]
    except TypeError:
        expected = b"\x00unreadable"
    assert leaf(row) == hashlib.sha256(expected).digest()


@given(st.integers(0, len(LINE) - 2), st.characters())
def test_a_checkpoint_with_another_character_is_refused(place: int, other: str) -> None:
    changed = LINE[:place] + other + LINE[place + 1 :]
    try:
        found = read_checkpoint(changed)
    except ValueError:
        return
    same = read_checkpoint(LINE)
    is_same = found.message() == same.message() and found.signature == same.signature
    assert is_same or not found.is_signed(KEYS.public)


@given(st.binary(min_size=100, max_size=120))
def test_bytes_of_another_length_are_no_tombstone(data: bytes) -> None:
    try:
        Tombstone.unpack(data)
    except ValueError:
        assert len(data) != 112
    else:
        assert len(data) == 112
