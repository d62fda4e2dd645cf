from __future__ import annotations

from zenith.rate_limits import Limit, RateLimiter
from zenith.rate_limits import store as module
from zenith.rate_limits.store import ClientHits, Hit, InstantRateLimitStore
from zenith.stores.memory import MemoryRateLimitStore

LIMIT = Limit(2, 60)


def test_the_hits_of_late_clients_are_kept_ready_and_bounded():
    hits = ClientHits((LIMIT,))
    first = hits["192.0.2.1"]
    assert first == Hit(LIMIT, "192.0.2.1")
    assert hits["192.0.2.1"] is first
    assert hits["2001:db8::1"].key == hits["2001:db8::2"].key == "2001:db8::/64"
    for number in range(2 * module.MAX_READY):
        assert hits[str(number)].key == str(number)
    assert len(hits) <= module.MAX_READY


async def test_one_hit_is_charged_like_several():
    store = MemoryRateLimitStore(clock=lambda: 0.0)
    assert isinstance(store, InstantRateLimitStore)
    hit = Hit(LIMIT, "a")
    usages = [store.hit_one(hit), *await store.hit([hit]), store.hit_one(hit)]
    assert [usage.allowed for usage in usages] == [True, True, False]
    assert [usage.remaining for usage in usages] == [1, 0, 0]
    (usage,) = await RateLimiter(store).hit([hit])
    assert not usage.allowed
    long = Hit(LIMIT, "a" * 100)
    assert [store.hit_one(long).allowed for _ in range(3)] == [True, True, False]


def test_single_hits_free_what_has_expired():
    now = 0.0
    store = MemoryRateLimitStore(clock=lambda: now)
    for number in range(30):
        store.hit_one(Hit(LIMIT, str(number)))
    assert len(store) == 30
    now = 1000.0
    for _ in range(12):
        store.hit_one(Hit(LIMIT, "late"))
    assert len(store) == 1
