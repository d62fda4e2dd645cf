"""The audit log takes every event, whatever an attacker writes into it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from zenith.kernel.events import Event, EventType
from zenith.stores.sql import Database, SqlAuditStore
from zenith.stores.sql.audit_rows import MAX_KEY, MAX_TEXT, storable

HOSTILE = "x\x00y\ud800z" + "é" * 5000


@pytest.fixture
async def audit(upgraded_url: str) -> AsyncIterator[SqlAuditStore]:
    async with Database(upgraded_url) as database:
        yield SqlAuditStore(database)


async def test_text_that_cannot_be_stored_is_made_storable(audit: SqlAuditStore) -> None:
    hostile = Event(
        type=EventType.REQUEST_REFUSED,
        outcome="denied",
        at=1.0,
        subject=HOSTILE,
        target=HOSTILE,
        session_id=HOSTILE,
        scheme=HOSTILE,
        address=HOSTILE,
        user_agent=HOSTILE,
        request_id=HOSTILE,
        reason=HOSTILE,
        details={HOSTILE: HOSTILE},
    )
    await audit.append([hostile])
    (stored,) = await audit.page(subject=HOSTILE)
    assert stored.event.subject == storable(HOSTILE, MAX_KEY)
    assert stored.event.user_agent == storable(HOSTILE, MAX_TEXT)
    assert stored.event.details == {storable(HOSTILE, MAX_KEY): storable(HOSTILE, MAX_TEXT)}
    assert stored.event.user_agent is not None
    assert stored.event.user_agent.startswith("x\ufffdy?z")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (10**30, 10**30),
        pytest.param(10**6000, hex(10**6000)[:MAX_TEXT], id="a huge number"),
        (b"\x00", "b'\\x00'"),
        (("a", {"b": {1}}), ["a", {"b": [1]}]),
        ({1: 2}, {"1": 2}),
        (EventType.LOGOUT, "LOGOUT"),
    ],
)
async def test_details_of_any_type_are_kept(
    audit: SqlAuditStore, value: object, expected: object
) -> None:
    await audit.append(
        [Event(type=EventType.LOGOUT, outcome="success", at=1.0, details={"it": value})]
    )
    (stored,) = await audit.page()
    assert stored.event.details == {"it": expected}


async def test_details_end_at_a_depth(audit: SqlAuditStore) -> None:
    deep: Any = "bottom"
    for _ in range(2000):
        deep = {"d": deep}
    await audit.append(
        [Event(type=EventType.LOGOUT, outcome="success", at=1.0, details={"it": [deep]})]
    )
    (stored,) = await audit.page()
    assert stored.event.details == {"it": [{"d": {"d": {"d": {"d": "..."}}}}]}


async def test_a_page_is_bounded(audit: SqlAuditStore) -> None:
    await audit.append(
        [Event(type=EventType.LOGOUT, outcome="success", at=float(n)) for n in range(1005)]
    )
    assert len(await audit.page(limit=10**9)) == 1000
