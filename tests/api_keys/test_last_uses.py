from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest

from tests.api_keys.fakes import CountingKeys
from zenith.api_keys import KeyUse, LastUses
from zenith.api_keys import last_uses as module
from zenith.kernel.errors import ServiceUnavailableError

USE = KeyUse(key_id="k", at=5.0, address="192.0.2.1")


async def test_uses_are_stored_beside_the_requests() -> None:
    store = CountingKeys()
    uses = LastUses(store)
    await uses.start()
    uses.note(USE)
    for _ in range(3):
        await asyncio.sleep(0)
    assert store.noted == [USE]
    await uses.stop()


async def test_what_waits_is_stored_at_the_end() -> None:
    store = CountingKeys()
    uses = LastUses(store)
    uses.note(USE)
    await uses.stop()
    assert store.noted == [USE]
    await uses.stop()
    assert store.noted == [USE]


async def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    store = CountingKeys()
    uses = LastUses(store)
    for number in range(5):
        uses.note(KeyUse(key_id=str(number), at=1.0, address=""))
    await uses.stop()
    assert len(store.noted) == 2


async def test_a_store_that_is_away_costs_a_note(caplog: pytest.LogCaptureFixture) -> None:
    class Away(CountingKeys):
        async def note_uses(self, uses: Sequence[KeyUse], *, interval: float) -> None:
            raise ServiceUnavailableError(reason="database: away")

    uses = LastUses(Away())
    uses.note(USE)
    with caplog.at_level(logging.WARNING):
        await uses.stop()
    assert "database: away" in caplog.text
