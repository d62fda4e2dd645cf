from __future__ import annotations

import gzip
import zlib

import pytest

from zenith.outbound.errors import AnswerTooLargeError, MalformedAnswerError
from zenith.outbound.unpacking import PIECE, Unpacking


def unpack(body, coding="gzip", *, limit=10**6, size=1000):
    unpacking = Unpacking(coding, limit=limit)
    pieces = []
    for at in range(0, len(body), size):
        pieces += unpacking.feed(body[at : at + size])
    unpacking.finish()
    return b"".join(pieces)


@pytest.mark.parametrize("size", [1, 7, 10**6])
@pytest.mark.parametrize("coding", ["gzip", " X-GZIP "])
def test_what_was_packed_comes_out(coding, size):
    body = b"".join(b"%d," % number for number in range(30_000))
    assert unpack(gzip.compress(body), coding, size=size) == body


def test_a_plain_body_is_as_it_comes():
    assert unpack(b"abc", "") == unpack(b"abc", "identity") == b"abc"
    assert not Unpacking("", limit=1).is_packed
    assert Unpacking("gzip", limit=1).is_packed


def test_a_bomb_is_stopped_at_the_limit():
    unpacking = Unpacking("gzip", limit=100_000)
    came, stopped = 0, False
    pieces = unpacking.feed(gzip.compress(b"\0" * 50_000_000))
    try:
        for piece in pieces:
            came += len(piece)
    except AnswerTooLargeError:
        stopped = True
    assert stopped
    assert came <= 100_000 < came + PIECE


def test_the_limit_itself_may_come():
    assert unpack(gzip.compress(b"a" * 500), limit=500) == b"a" * 500
    assert unpack(b"a" * 500, "", limit=500) == b"a" * 500
    with pytest.raises(AnswerTooLargeError):
        unpack(gzip.compress(b"a" * 501), limit=500)
    with pytest.raises(AnswerTooLargeError):
        unpack(b"a" * 501, "", limit=500)


@pytest.mark.parametrize(
    "coding", ["br", "zstd", "deflate", "compress", "gzip, gzip", "gzip,", "x"]
)
def test_only_what_was_asked_for_is_unpacked(coding):
    with pytest.raises(MalformedAnswerError, match="could not be asked"):
        Unpacking(coding, limit=1)


@pytest.mark.parametrize(
    "body",
    [
        b"no gzip",
        gzip.compress(b"abc")[:-1],
        gzip.compress(b"abc") + b"x",
        gzip.compress(b"abc") + gzip.compress(b"def"),
        gzip.compress(b"abc")[:-8] + b"\0" * 8,
        zlib.compress(b"abc"),
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_damaged_bodies_are_no_answers(body, size):
    with pytest.raises(MalformedAnswerError):
        unpack(body, size=size)


def test_no_body_has_no_end():
    assert unpack(b"") == b""
