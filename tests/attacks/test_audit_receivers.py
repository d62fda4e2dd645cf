"""An attacker writes what the log, or whoever reads it elsewhere, takes for something else: an
event of its own, an order to a terminal or a page, another statement; or floods a receiver until
it falls, and the application with it.

Values are typed and escaped where they leave, never joined to text (ASVS 16.4.1); reading takes a
permission and is recorded (16.4.2); what a receiver does not take is counted and told (16.4.3).
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import Any

import pytest

from tests.audit.fakes import Store, event
from tests.audit.shipping.places import Place, streams
from tests.outbound.servers import reply, running
from zenith.audit import AuditLog, AuditQuery, AuditSettings, read_query
from zenith.audit.redaction import redacted
from zenith.audit.shipping import (
    DeliveryError,
    OtlpSettings,
    Shipper,
    SyslogSettings,
    WebhookSettings,
    shipper,
    verify_webhook,
)
from zenith.audit.shipping.otlp import OtlpReceiver, log_record
from zenith.audit.shipping.syslog import SyslogFormat
from zenith.audit.shipping.syslog_receiver import SyslogReceiver
from zenith.audit.shipping.webhook import WebhookReceiver
from zenith.kernel.errors import ValidationError
from zenith.kernel.events import EventType
from zenith.kernel.keys import Secret

SECRET = Secret("wh-0123456789abcdefghijklmnopqrstuvwxyz")
INJECTIONS = [
    'ada"] <104>1 2026-01-01T00:00:00Z evil zenith 1 LOGIN_SUCCESS - forged',
    "ada\n<104>1 2026-01-01T00:00:00Z evil zenith 1 LOGIN_SUCCESS - forged",
    "ada\r\n123 <104>1 forged",
    "ada\x00\x1b[2J\x1b]0;owned\x07",
    'ada\\"] [zenith@32473 outcome="success"',
    '","type":"LOGIN_SUCCESS","x":"',
    "\u202eada\u2028\u2029\u0085\ufeff",
    "\ud800\udfff",
    "${jndi:ldap://evil/a} %s %n {0}",
    "<script>alert(1)</script>",
]


def hostile(text: str) -> Any:
    """An event in which the attacker chose every text that an attacker can choose."""
    return redacted(
        event(
            EventType.LOGIN_FAILED,
            subject=text,
            target=text,
            user_agent=text,
            reason=text,
            request_id=text,
            trace_id=text,
            session_id=text,
            address=text,
            details={text: text, "list": [text]},
        )
    )


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_value_ends_its_place_in_a_syslog_message(text: str) -> None:
    message = SyslogFormat(host="app").message(hostile(text)).decode("utf-8")
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", message)
    shape = (
        r"<110>1 \S+ app zenith \d+ LOGIN_FAILED "
        r"\[zenith@32473(?: [a-z_]+=\"(?:\\[\\\"\]]|[^\\\"\]])*\")+\] (\{.*\})"
    )
    found = re.fullmatch(shape, message)
    assert found is not None
    assert json.loads(found[1])["type"] == "LOGIN_FAILED"


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_value_becomes_another_attribute(text: str) -> None:
    record = json.loads(json.dumps(log_record(hostile(text))))
    assert record["eventName"] == "LOGIN_FAILED"
    names = [each["key"] for each in record["attributes"]]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z_.]+", name) for name in names)
    assert all(
        set(each["value"]) <= {"stringValue", "kvlistValue"} for each in record["attributes"]
    )


async def test_receivers_get_as_many_messages_as_there_are_events() -> None:
    events = [hostile(text) for text in INJECTIONS]
    async with streams() as place:
        sender = SyslogReceiver(SyslogSettings(address=f"tcp://127.0.0.1:{place.port}"))
        await sender.deliver(events)
        messages = await place.wait_for(len(events))
        await sender.close()
    assert len(messages) == len(events)
    async with running(reply(b"{}")) as site:
        url = f"http://127.0.0.1:{site.port}/"
        hook = WebhookReceiver(WebhookSettings(url=url, secret=SECRET))
        await hook.deliver(events)
        await hook.close()
    (call,) = site.calls
    assert call.body.isascii()
    assert len(json.loads(call.body)["events"]) == len(events)
    assert verify_webhook(call.body, call.headers, SECRET, now=time.time())
    assert not verify_webhook(call.body.replace(b"FAILED", b"DENIED"), call.headers, SECRET,
                              now=time.time())  # fmt: skip


async def test_a_receiver_leads_nobody_elsewhere_and_says_nothing_that_is_kept() -> None:
    async with running() as inside:
        lead = reply(b"\x1b[31mhello", status="307 Go", Location=f"http://127.0.0.1:{inside.port}/")
        async with running(lead) as site:
            sender = OtlpReceiver(OtlpSettings(url=f"http://127.0.0.1:{site.port}/"))
            with pytest.raises(DeliveryError) as caught:
                await sender.deliver([event()])
            await sender.close()
        assert inside.calls == []
    assert caught.value.reason == "status 307"


async def test_a_receiver_whose_answer_has_no_end_is_left() -> None:
    async def endless(call: Any, writer: Any) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            await writer.drain()

    async with running(endless) as site:
        sender = OtlpReceiver(OtlpSettings(url=f"http://127.0.0.1:{site.port}/"))
        with pytest.raises(DeliveryError):
            await sender.deliver([event()])
        await sender.close()


async def test_a_flood_costs_a_dead_receiver_its_copies_and_nobody_else_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shipper, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(shipper, "LONGEST_PAUSE", 0.001)
    monkeypatch.setattr(shipper, "STOP_TIMEOUT", 0.05)
    place, other, store = Place(), Place(), Store()
    place.failure = DeliveryError("no answer in time")
    log = AuditLog(
        store,
        AuditSettings(queue_size=20_000),
        shippers=[
            Shipper(place, queue_size=100, batch_size=100),
            Shipper(other, queue_size=20_000, batch_size=100),
        ],
    )
    await log.start()
    for number in range(5_000):
        log.note(event(EventType.CSRF_REFUSED, subject=str(number)))
        if number % 500 == 0:
            await asyncio.sleep(0)
    async with asyncio.timeout(60):
        while len(other.taken) < 5_000:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    place.failure = None
    while EventType.AUDIT_SINK_BACK not in {e.event.type for e in await store.events()}:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    await log.stop()
    kept = [each.event for each in await store.events()]
    assert [e.subject for e in kept if e.type is EventType.CSRF_REFUSED] == [
        str(number) for number in range(5_000)
    ]
    told = [e for e in kept if e.type in {EventType.AUDIT_SINK_FAILED, EventType.AUDIT_SINK_BACK}]
    lost = sum(int(str(each.details["lost"])) for each in told)
    refused = [e for e in place.taken if e.type is EventType.CSRF_REFUSED]
    assert len(refused) + lost >= 5_000
    assert len(refused) <= 300
    assert len(told) <= 4


@pytest.mark.parametrize(
    "texts",
    [
        {"subject'; DROP TABLE zenith_audit_events; --": "x"},
        {"sequence": "1"},
        {"details": "{}"},
        {"__class__": "x"},
        {"type": "LOGIN_SUCCESS' OR '1'='1"},
        {"since": "1e999"},
        {"since": "NaN"},
        {"until": "9999-99-99"},
        {"subject": "x" * 100_000},
    ],
)
def test_forged_parameters_are_no_search(texts: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        read_query(texts, now=1_800_000_000.0)
    assert len(caught.value.detail) < 400


@pytest.mark.parametrize("text", ["' OR '1'='1", "%", "_", "a%' ESCAPE '!", "\x00", "\ud800"])
def test_what_is_searched_for_is_a_value(text: str) -> None:
    query = read_query({"subject": text}, now=0.0)
    assert query == AuditQuery(subject=text)
    assert not query.fits(event(subject="ada"))
