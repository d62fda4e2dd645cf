"""An attacker drowns the one event that matters in a million refusals, or fills the disk with them.

Refusals of one client, and of all, are recorded singly only so often in a minute; the rest is
counted and said in one event. The queue is bounded, and what it has no room for is counted and
said too (ASVS 16.3.3, 2.4.1).
"""

from __future__ import annotations

from tests.audit.fakes import Store, event
from zenith.audit import AuditGuard, AuditLog, AuditSettings
from zenith.kernel.events import EventType
from zenith.pipeline import Exchange

FLOOD = 5_000


def refused(client: str) -> Exchange:
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "client": (client, 1)}
    exchange = Exchange(scope, None)  # type: ignore[arg-type]
    exchange.status = 429
    return exchange


async def test_one_client_fills_no_disk_and_hides_nothing() -> None:
    store = Store()
    log = AuditLog(store)
    guard = AuditGuard(log)
    await guard.startup()
    for _ in range(FLOOD):
        guard.on_response(refused("198.51.100.9"))
    guard.on_response(refused("203.0.113.5"))
    log.note(event(EventType.TOKEN_REUSED, severity="CRITICAL"))
    await guard.shutdown()
    found = [stored.event for stored in await store.events()]
    assert len(found) == 30 + 1 + 1 + 1
    assert [each.address for each in found].count("203.0.113.5") == 1
    assert EventType.TOKEN_REUSED in [each.type for each in found]
    assert found[-1].details["counted"] == {"RATE_LIMITED": FLOOD - 30}


async def test_many_addresses_fill_no_disk_either() -> None:
    store = Store()
    guard = AuditGuard(AuditLog(store), AuditSettings(refusals_in_all=50))
    for number in range(FLOOD):
        guard.on_response(refused(f"2001:db8:{number:x}::1"))
    await guard.startup()
    await guard.shutdown()
    found = [stored.event for stored in await store.events()]
    assert len(found) == 50 + 101
    counted = [each.details["counted"] for each in found[50:]]
    assert sum(each["RATE_LIMITED"] for each in counted) == FLOOD - 50  # type: ignore[index]


async def test_one_holder_of_a_whole_ipv6_network_is_one_client() -> None:
    store = Store()
    guard = AuditGuard(AuditLog(store), AuditSettings(refusals_per_client=2))
    for number in range(100):
        guard.on_response(refused(f"2001:db8::{number:x}"))
    await guard.startup()
    await guard.shutdown()
    assert len(await store.events()) == 3
