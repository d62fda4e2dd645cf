"""Mails that are sent after the request and not by it."""

from __future__ import annotations

import asyncio

import pytest

from tests.accounts.fakes import Events, Time
from zenith.accounts import Account, Client
from zenith.accounts.notices import Notices, seen
from zenith.accounts.wording import WORDINGS
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.events import EventType
from zenith.mail import Letters, MailError

ADA = Account(id="ada-id", email="ada@example.org", email_key="ada@example.org", created_at=1.0)


class Carrier:
    """Fails as often as it is told to."""

    def __init__(self, *failures):
        self.failures = list(failures)
        self.sent = []
        self.open = asyncio.Event()
        self.open.set()

    async def send(self, mail):
        await self.open.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(mail)


def make(mailer, **more):
    events, time = Events(), Time()
    letters = Letters(WORDINGS, application="Zenith", origin="https://app.example.org")
    notices = Notices(mailer, letters, events=events, clock=time, sleep=time.sleep, **more)
    return notices, events, time


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


async def test_telling_waits_for_nothing():
    carrier = Carrier()
    notices, _, _ = make(carrier)
    await notices.start()
    await notices.start()
    carrier.open.clear()
    notices.tell(ADA, "password_changed", **seen(Client(address="192.0.2.1"), 0.0))
    assert carrier.sent == []
    carrier.open.set()
    await settle()
    (mail,) = carrier.sent
    assert mail.to == ADA.email
    assert "192.0.2.1, on 01 Jan 1970, 00:00 UTC" in mail.text
    await notices.stop()
    await notices.stop()


async def test_a_mail_is_tried_again_with_growing_pauses():
    carrier = Carrier(MailError("one"), MailError("two"))
    notices, events, time = make(carrier)
    began = time.now
    await notices.start()
    notices.tell(ADA, "account_deleted")
    await settle()
    assert len(carrier.sent) == 1
    assert time.now - began == 2.0 + 8.0
    assert events.noted == []
    await notices.stop()


@pytest.mark.parametrize(
    ("failures", "reason"),
    [
        ([MailError("away")] * 4, "away"),
        ([MailError("no such mailbox", lasting=True)], "no such mailbox"),
    ],
)
async def test_a_mail_that_cannot_be_sent_is_recorded_without_its_address(caplog, failures, reason):
    carrier = Carrier(*failures)
    notices, events, _ = make(carrier)
    await notices.start()
    notices.tell(ADA, "account_deleted")
    await settle()
    (event,) = events.noted
    assert (event.type, event.outcome, event.reason) == (EventType.MAIL_FAILED, "error", reason)
    assert (event.target, event.details) == ("ada-id", {"notice": "account_deleted"})
    assert "ada@" not in str(event) + caplog.text
    notices.tell(ADA, "account_deleted")
    await settle()
    assert len(carrier.sent) == 1
    await notices.stop()


async def test_a_full_queue_drops_and_says_so():
    notices, events, _ = make(Carrier(), queue_size=2)
    for _ in range(5):
        notices.tell(ADA, "account_deleted")
    assert notices.waiting == 2
    assert [event.reason for event in events.noted] == ["the queue is full"] * 3
    await notices.start()
    await notices.stop()
    assert notices.waiting == 0


async def test_a_stop_sends_what_waits():
    carrier = Carrier()
    notices, events, _ = make(carrier)
    await notices.start()
    for _ in range(10):
        notices.tell(ADA, "account_deleted")
    await notices.stop()
    assert (len(carrier.sent), events.noted) == (10, [])


async def test_a_stop_waits_for_a_bounded_time(monkeypatch):
    monkeypatch.setattr("zenith.accounts.notices.STOP_TIMEOUT", 0.01)
    carrier = Carrier()
    carrier.open.clear()
    notices, events, _ = make(carrier)
    await notices.start()
    for _ in range(6):
        notices.tell(ADA, "account_deleted")
    await settle()
    await notices.stop()
    assert [event.reason for event in events.noted] == ["the application stopped"] * 6


async def test_a_stop_tries_once_more_and_does_not_pause():
    carrier = Carrier(MailError("away"))
    notices, events, _ = make(carrier)
    await notices.start()
    notices.tell(ADA, "account_deleted")
    await notices.stop()
    assert [event.reason for event in events.noted] == ["away"]


async def test_without_a_mailer_nothing_waits():
    notices, _, _ = make(None)
    assert not notices.are_sent
    await notices.start()
    notices.tell(ADA, "account_deleted")
    await notices.drain()
    assert notices.waiting == 0
    await notices.stop()


async def test_draining_needs_no_task():
    carrier = Carrier()
    notices, _, _ = make(carrier)
    assert notices.are_sent
    notices.tell(ADA, "account_deleted")
    await notices.drain()
    assert len(carrier.sent) == 1


@pytest.mark.parametrize("mailer", [None, Carrier])
async def test_a_notice_without_words_is_a_mistake_in_code(mailer):
    notices, _, _ = make(mailer and mailer())
    with pytest.raises(ConfigurationError, match="no notice"):
        notices.tell(ADA, "nonsense")
