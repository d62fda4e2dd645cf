from __future__ import annotations

from zenith.kernel.problem import RawHeaders
from zenith.pipeline import Head, Heads
from zenith.pipeline import heads as module

HOST = (b"host", b"example.org")


def met(heads: Heads, raw: RawHeaders) -> Head:
    """The head once it has come for the second time."""
    heads.of(raw)
    return heads.of(raw)


def test_the_same_headers_are_one_head():
    heads = Heads()
    first = met(heads, [HOST, (b"accept", b"a")])
    assert heads.of([HOST, (b"accept", b"a")]) is first
    assert met(heads, [(b"accept", b"a"), HOST]) is not first
    assert met(heads, [HOST, (b"accept", b"b")]) is not first
    assert first.headers == {b"host": b"example.org", b"accept": b"a"}


def test_what_comes_once_is_not_remembered():
    heads = Heads()
    for number in range(2 * module.MAX_ONCE):
        assert heads.of([(b"n", b"%d" % number)]).headers == {b"n": b"%d" % number}
        assert len(heads._once) <= module.MAX_ONCE
    assert not heads._young


def test_hashes_are_forgotten_once_there_are_many():
    heads = Heads()
    heads.of([HOST])
    for number in range(module.MAX_ONCE):
        heads.of([(b"n", b"%d" % number)])
    assert heads.of([HOST]) is not heads.of([HOST])
    assert heads.of([HOST]) is heads.of([HOST])


def test_headers_in_lists_are_read_and_not_remembered():
    heads = Heads()
    raw = [[b"host", b"example.org"]]
    assert heads.of(raw).headers == {b"host": b"example.org"}
    assert heads.of(raw) is not heads.of(raw)


def test_a_large_head_is_not_remembered():
    heads = Heads()
    for large in ([(b"a", b"x" * 5000)], [(b"a%d" % n, b"") for n in range(65)]):
        assert met(heads, large) is not heads.of(large)


def test_memory_is_bounded_and_what_is_met_again_stays():
    heads = Heads()
    kept = met(heads, [HOST])
    kept.facts["guard"] = "fact"
    for number in range(5 * module.MAX_REMEMBERED):
        met(heads, [(b"n", b"%d" % number)])
        if number % 100 == 0:
            assert heads.of([HOST]) is kept
    assert len(heads._young) + len(heads._old) <= 2 * module.MAX_REMEMBERED
    assert heads.of([HOST]).facts == {"guard": "fact"}


def test_a_head_that_is_not_met_again_is_forgotten():
    heads = Heads()
    gone = met(heads, [HOST])
    for number in range(2 * module.MAX_REMEMBERED + 1):
        met(heads, [(b"n", b"%d" % number)])
    assert heads.of([HOST]) is not gone


def test_repeated_headers_show_in_the_count():
    head = Head([HOST, HOST])
    assert len(head.headers) == 1
    assert head.cookies is None
