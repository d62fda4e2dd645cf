"""Events as bytes: one sequence of bytes for one event."""

from __future__ import annotations

import time
from uuid import RFC_4122, UUID

import pytest

from zenith.audit.record import MAC, TEXTS, as_time, encode, encoded, leaf, new_event_id

TEXT = ("main", "ab" * 16, "LOGOUT", "success", "INFO", "a", "b", None, "", None, None, None, None)
RECORD = (7, 1.5, b"mac", *TEXT, "why", "{}")


def test_the_format_is_as_documented() -> None:
    made = encode(1.5, ["é", *[None] * 13, ""])
    assert made[:1] == b"\x01"
    assert made[1:9] == b"\x3f\xf8" + bytes(6)
    assert made[9:13] == b"\x00\x00\x00\x01"
    assert made[13:17] == b"\xff\xff\xff\xff"
    assert made[9 + 4 * 14 : 9 + 4 * 15] == bytes(4)
    assert made[9 + 4 * 15 :] == "é".encode()


def test_texts_without_gaps_are_encoded_alike() -> None:
    texts = ["x"] * len(TEXTS)
    assert encode(1.0, texts) == encode(1.0, tuple(texts))


def test_a_character_that_moves_is_another_event() -> None:
    one, other = list(RECORD), list(RECORD)
    one[8], one[9] = "ab", "c"
    other[8], other[9] = "a", "bc"
    assert leaf(tuple(one)) != leaf(tuple(other))


def test_the_place_is_not_in_it_and_the_mac_is() -> None:
    other = list(RECORD)
    other[0] = 8
    assert leaf(tuple(other)) == leaf(RECORD)
    other[MAC] = None
    assert leaf(tuple(other)) != leaf(RECORD)


@pytest.mark.parametrize(
    "change", [(1, "x"), (1, None), (3, b"main"), (3, 5), (5, "\udcff"), (2, "text"), (2, 5)]
)
def test_what_the_log_never_writes_has_no_digest_of_its_own(change: tuple[int, object]) -> None:
    strange = list(RECORD)
    strange[change[0]] = change[1]
    assert leaf(tuple(strange)) != leaf(RECORD)
    if change[0] != MAC:
        assert encoded(tuple(strange)) is None


def test_a_row_of_another_length_is_unreadable() -> None:
    assert encoded(RECORD[:-1]) is None


def test_times_are_floats() -> None:
    assert as_time(1.5) == 1.5
    assert as_time("1.5") is None


def test_ids_of_events_follow_the_time_and_differ() -> None:
    before = time.time_ns() // 1_000_000
    made = [new_event_id() for _ in range(1000)]
    after = time.time_ns() // 1_000_000
    assert len({*made}) == len(made)
    assert all(before <= int(each[:12], 16) <= after for each in made)
    assert {UUID(each).version for each in made} == {7}
    assert {UUID(each).variant for each in made} == {RFC_4122}
    assert len({each[17:] for each in made}) == len(made)
