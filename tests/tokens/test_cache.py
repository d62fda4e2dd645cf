"""The cache never keeps a token alive, and nothing pushes good entries out at once."""

from __future__ import annotations

from zenith.kernel.principal import Principal
from zenith.tokens import TokenCache, VerifiedToken
from zenith.tokens.cache import MAX_CACHED_TOKEN


def entry(expires_at: float = 100.0, version: int = 0) -> VerifiedToken:
    return VerifiedToken(
        principal=Principal(subject="s"),
        expires_at=expires_at,
        issued_at=1.0,
        token_id="id",
        version=version,
    )


def test_an_entry_is_found_until_its_end() -> None:
    cache = TokenCache(10)
    kept = entry(100.0)
    cache.put(b"t", kept)
    assert cache.get(b"t", now=99.9, version=0) is kept
    assert cache.get(b"other", now=99.9, version=0) is None
    assert cache.get(b"t", now=100.0, version=0) is None
    assert len(cache) == 0


def test_a_change_of_the_key_ring_pierces_it() -> None:
    cache = TokenCache(10)
    cache.put(b"t", entry(version=3))
    assert cache.get(b"t", now=0.0, version=4) is None
    assert cache.get(b"t", now=0.0, version=3) is None


def test_memory_is_bounded_and_what_is_used_stays() -> None:
    cache = TokenCache(100)
    cache.put(b"used", entry())
    for number in range(1000):
        cache.put(b"%d" % number, entry())
        assert cache.get(b"used", now=0.0, version=0) is not None
        assert len(cache) <= 100
    assert cache.get(b"0", now=0.0, version=0) is None
    assert cache.get(b"999", now=0.0, version=0) is not None


def test_an_entry_that_ended_leaves_both_generations() -> None:
    cache = TokenCache(4)
    cache.put(b"a", entry(expires_at=10.0))
    cache.put(b"b", entry())
    cache.put(b"c", entry())
    assert cache.get(b"a", now=5.0, version=0) is not None
    assert cache.get(b"a", now=10.0, version=0) is None
    assert cache.get(b"a", now=5.0, version=0) is None


def test_long_tokens_and_a_size_of_zero_keep_nothing() -> None:
    cache = TokenCache(10)
    cache.put(b"x" * (MAX_CACHED_TOKEN + 1), entry())
    assert len(cache) == 0
    off = TokenCache(0)
    off.put(b"t", entry())
    assert off.get(b"t", now=0.0, version=0) is None


def test_it_can_be_emptied() -> None:
    cache = TokenCache(10)
    cache.put(b"t", entry())
    cache.clear()
    assert len(cache) == 0
