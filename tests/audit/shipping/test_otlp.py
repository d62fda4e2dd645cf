"""Events as OpenTelemetry logs, and a collector on loopback that takes them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.audit.fakes import event
from tests.outbound.servers import reply, running
from zenith.audit.shipping import DeliveryError, OtlpSettings
from zenith.audit.shipping.http_receiver import _seconds
from zenith.audit.shipping.otlp import OtlpReceiver, log_record
from zenith.kernel.events import EventType
from zenith.kernel.keys import Secret


def target(port: int, **fields: Any) -> OtlpSettings:
    return OtlpSettings(url=f"http://127.0.0.1:{port}/v1/logs", **fields)


def attributes(record: dict[str, Any]) -> dict[str, Any]:
    return {each["key"]: each["value"] for each in record["attributes"]}


def test_a_record_follows_the_data_model() -> None:
    record = log_record(
        event(
            EventType.LOGIN_FAILED,
            severity="CRITICAL",
            subject="ada",
            address="192.0.2.1",
            trace_id="ab" * 16,
            event_id="cd" * 16,
            details={
                "text": "x",
                "whole": 1,
                "part": 1.5,
                "yes": True,
                "none": None,
                "list": [1, "two"],
                "more": {"deep": 1},
            },
        )
    )
    assert record["timeUnixNano"] == "1800000000500000000"
    assert (record["severityNumber"], record["severityText"]) == (21, "CRITICAL")
    assert record["eventName"] == "LOGIN_FAILED"
    assert record["body"] == {"stringValue": "Failed login attempt"}
    assert record["traceId"] == "ab" * 16
    found = attributes(record)
    assert found["user.id"] == {"stringValue": "ada"}
    assert found["client.address"] == {"stringValue": "192.0.2.1"}
    assert found["log.record.uid"] == {"stringValue": "cd" * 16}
    assert found["zenith.topic"] == {"stringValue": "sign-in"}
    assert "session.id" not in found
    details = {e["key"]: e["value"] for e in found["zenith.details"]["kvlistValue"]["values"]}
    assert details == {
        "text": {"stringValue": "x"},
        "whole": {"intValue": "1"},
        "part": {"doubleValue": 1.5},
        "yes": {"boolValue": True},
        "none": {},
        "list": {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "two"}]}},
        "more": {"kvlistValue": {"values": [{"key": "deep", "value": {"intValue": "1"}}]}},
    }


def test_what_is_empty_is_left_out() -> None:
    record = log_record(event())
    assert "traceId" not in record
    assert set(attributes(record)) == {"zenith.outcome", "zenith.topic"}


async def test_a_batch_is_one_request() -> None:
    async with running(reply(b"{}")) as site:
        receiver = OtlpReceiver(
            target(site.port, headers={"Api-Key": Secret("of-the-collector")}, service_name="shop")
        )
        assert receiver.name == f"otlp 127.0.0.1:{site.port}"
        await receiver.deliver([event(subject="a"), event(subject="b")])
        await receiver.deliver([event(subject="c")])
        await receiver.close()
        await receiver.close()
    first = site.calls[0]
    assert (first.method, first.target) == ("POST", "/v1/logs")
    assert first.headers["content-type"] == "application/json"
    assert first.headers["api-key"] == "of-the-collector"
    (resource,) = json.loads(first.body)["resourceLogs"]
    assert resource["resource"]["attributes"] == [
        {"key": "service.name", "value": {"stringValue": "shop"}}
    ]
    (scope,) = resource["scopeLogs"]
    assert scope["scope"] == {"name": "zenith.audit"}
    assert len(scope["logRecords"]) == 2
    assert (len(site.calls), site.connections) == (2, 1)


SUCCESSES = {
    "nothing": b"",
    "empty": b"{}",
    "null": b"null",
    "not partial": b'{"partialSuccess":{}}',
    "a hint": b'{"partialSuccess":{"errorMessage":"hm"}}',
    "none rejected": b'{"partialSuccess":{"rejectedLogRecords":"0"}}',
    "deep": b"[" * 60_000,
    "no text": b"\xff",
    "a number": b'{"partialSuccess":7}',
    "a list": b'{"partialSuccess":{"rejectedLogRecords":[]}}',
    "without end": b'{"partialSuccess":{"rejectedLogRecords":1e999}}',
    "less than none": b'{"partialSuccess":{"rejectedLogRecords":-5}}',
}


@pytest.mark.parametrize("body", SUCCESSES.values(), ids=SUCCESSES)
async def test_whatever_a_collector_says_of_success_is_one(body: bytes) -> None:
    async with running(reply(body)) as site:
        receiver = OtlpReceiver(target(site.port))
        await receiver.deliver([event()])
        await receiver.close()


async def test_what_it_rejects_is_told() -> None:
    body = b'{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"\\u001b[31m"}}'
    async with running(reply(body)) as site:
        receiver = OtlpReceiver(target(site.port))
        with pytest.raises(DeliveryError, match="1 of 2 rejected") as caught:
            await receiver.deliver([event(), event()])
        assert (caught.value.rejected, caught.value.is_final) == (1, False)
        await receiver.close()


@pytest.mark.parametrize(
    ("status", "is_final", "wait"),
    [("503 Busy", False, 7.0), ("429 Slow", False, 7.0), ("400 Bad", True, 7.0),
     ("301 Elsewhere", False, 7.0), ("401 Who", False, 7.0)],
)  # fmt: skip
async def test_statuses_say_whether_to_try_again(status: str, is_final: bool, wait: float) -> None:
    answer = reply(b"secret of theirs", status=status, Retry_After="7", Location="http://evil/")
    async with running(answer) as site:
        receiver = OtlpReceiver(target(site.port))
        with pytest.raises(DeliveryError) as caught:
            await receiver.deliver([event()])
        await receiver.close()
    assert caught.value.reason == f"status {status[:3]}"
    assert (caught.value.is_final, caught.value.wait) == (is_final, wait)


@pytest.mark.parametrize(
    ("text", "seconds"), [("999999", 3600.0), ("-1", 0.0), ("Tue, 01 Jan", 0.0), ("\u0663", 0.0)]
)
def test_what_it_asks_for_is_bounded(text: str, seconds: float) -> None:
    assert _seconds({"retry-after": text}) == seconds


async def test_a_collector_that_is_not_there_is_told() -> None:
    async with running() as site:
        port = site.port
    receiver = OtlpReceiver(target(port))
    with pytest.raises(DeliveryError, match="no connection to"):
        await receiver.deliver([event()])
    await receiver.close()
