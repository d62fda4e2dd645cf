"""The file of JSON lines behind a queue."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zenith.audit.json_lines import JsonLines
from zenith.audit.shipping import DeliveryError
from zenith.audit.shipping.lines_receiver import LinesReceiver
from zenith.kernel.events import Event, EventType

EVENT = Event(type=EventType.LOGOUT, outcome="success", at=1.0, subject="ada")


async def test_each_event_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    receiver = LinesReceiver(JsonLines(path))
    await receiver.deliver([EVENT, EVENT])
    await receiver.close()
    await receiver.deliver([EVENT])
    await receiver.close()
    assert [json.loads(each)["subject"] for each in path.read_text().splitlines()] == ["ada"] * 3


async def test_a_file_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError) as caught:
        await LinesReceiver(JsonLines(tmp_path)).deliver([EVENT])
    assert not caught.value.is_final
    assert caught.value.reason == "Is a directory"
