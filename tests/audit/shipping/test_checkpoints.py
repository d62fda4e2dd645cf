"""Signed checkpoints go to the receivers of the log, too: another place than the database."""

from __future__ import annotations

from pathlib import Path

from tests.audit.shipping.places import Place
from zenith.assembly.audit_log import AuditParts
from zenith.audit import AuditLog, AuditSettings
from zenith.audit.checkpoint import read_checkpoint
from zenith.audit.json_lines import line_of
from zenith.audit.shipping import Shipper
from zenith.kernel.events import Event, EventType
from zenith.kernel.keys import Secret
from zenith.stores.sql import Database, upgrade

SECRET = Secret("Zq3-present-0123456789-abcdefghijklmnop")
EVENT = Event(type=EventType.LOGOUT, outcome="success", at=1.0, subject="ada")


async def test_receivers_get_each_checkpoint_and_the_log_keeps_none(tmp_path: Path) -> None:
    place = Place()
    async with Database(f"sqlite:///{tmp_path / 'zenith.db'}") as database:
        await upgrade(database)
        parts = AuditParts(AuditSettings(checkpoints=tmp_path / "points"), [SECRET], database)
        shipper = Shipper(place, queue_size=100, batch_size=10)
        parts.log = AuditLog(parts.store, parts.settings, shippers=[shipper])  # type: ignore[misc]
        await parts.log.start()
        await parts.log.record(EVENT)
        await parts.sealer.seal()
        await parts.sealer.checkpoint()
        assert parts.file is not None
        made = parts.file.last("main")
        parts.file.path.unlink()
        parts.file.path.mkdir()
        await parts.log.record(EVENT)
        await parts.sealer.seal()
        await parts.sealer._mark()
        await parts.log.stop()
        kept = [str(stored.event.type) for stored in await parts.store.page()]
    assert kept == ["LOGOUT", "LOGOUT"]
    sent = [event for event in place.taken if event.type is EventType.AUDIT_CHECKPOINT]
    first, second = (read_checkpoint(line_of(event).decode()) for event in sent)
    assert first == made
    assert first.is_signed(parts.keys.public)
    assert second.number == 1, "a file that cannot be written keeps it from the others"
