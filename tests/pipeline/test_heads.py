from __future__ import annotations

from zenith.pipeline import Head, Heads
from zenith.pipeline import heads as module

HOST = (b"host", b"example.org")


def test_the_same_headers_are_one_head():
    heads = Heads()
    first = heads.of([HOST, (b"accept", b"a")])
    assert heads.of([HOST, (b"accept", b"a")]) is first
    assert heads.of([(b"accept", b"a"), HOST]) is not first
    assert heads.of([HOST, (b"accept", b"b")]) is not first
    assert first.headers == {b"host": b"example.org", b"accept": b"a"}


def test_headers_in_lists_are_read_and_not_remembered():
    heads = Heads()
    raw = [[b"host", b"example.org"]]
    assert heads.of(raw).headers == {b"host": b"example.org"}
    assert heads.of(raw) is not heads.of(raw)


def test_a_large_head_is_not_remembered():
    heads = Heads()
    for large in ([(b"a", b"x" * 5000)], [(b"a%d" % n, b"") for n in range(65)]):
        assert heads.of(large) is not heads.of(large)


def test_memory_is_bounded_and_what_is_met_again_stays():
    heads = Heads()
    kept = heads.of([HOST])
    kept.facts["guard"] = "fact"
    for number in range(5 * module.MAX_REMEMBERED):
        heads.of([(b"n", b"%d" % number)])
        if number % 100 == 0:
            assert heads.of([HOST]) is kept
    assert len(heads._young) + len(heads._old) <= 2 * module.MAX_REMEMBERED
    assert heads.of([HOST]).facts == {"guard": "fact"}


def test_a_head_that_is_not_met_again_is_forgotten():
    heads = Heads()
    gone = heads.of([HOST])
    for number in range(2 * module.MAX_REMEMBERED + 1):
        heads.of([(b"n", b"%d" % number)])
    assert heads.of([HOST]) is not gone


def test_repeated_headers_show_in_the_count():
    head = Head([HOST, HOST])
    assert len(head.headers) == 1
    assert head.cookies is None
