"""That the application was started is on record, with what it was started."""

from __future__ import annotations

from dataclasses import replace

from tests.accounts.application import browse, events_of, make_app, make_settings, running
from zenith.assembly import assemble
from zenith.stores.sql import SqlAuditStore


async def test_each_start_is_recorded(tmp_path):
    settings = make_settings(tmp_path)
    for _ in range(2):
        async with running(make_app(tmp_path, settings=settings)) as app, browse(app) as client:
            assert (await client.get("/healthz")).status_code == 200
    assembly = assemble(settings)
    await assembly.start()
    try:
        found = await SqlAuditStore(assembly.database).page(limit=50)
    finally:
        await assembly.stop()
    started = [each.event for each in found if each.event.type == "APPLICATION_STARTED"]
    assert len(started) == 2
    assert started[0].target == settings.origin
    assert started[0].details["environment"] == "test"
    assert any("Secure" in str(line) for line in started[0].details["report"])
    assert any("cheap to guess" in str(line) for line in started[0].details["report"])
    assert "[redacted]" not in str(started[0].details)


async def test_without_an_audit_log_there_is_no_record(tmp_path):
    settings = replace(make_settings(tmp_path), audit=None)
    async with running(make_app(tmp_path, settings=settings)) as app:
        assert await events_of(app, "APPLICATION_STARTED") == []
