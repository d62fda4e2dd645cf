"""Mails that are kept with the request and sent after it."""

from __future__ import annotations

import asyncio

import pytest

from tests.accounts.application import KEY
from tests.accounts.fakes import Events, Time
from zenith.accounts import Account, Client
from zenith.accounts.notices import LostMails, Notices, seen
from zenith.accounts.wording import WORDINGS
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.events import EventType
from zenith.mail import Letters, MailDelivery, MailError, MailQueue
from zenith.stores.memory import MemoryMailQueueStore

ADA = Account(id="ada-id", email="ada@example.org", email_key="ada@example.org", created_at=1.0)
LETTERS = Letters(WORDINGS, application="Zenith", origin="https://app.example.org")
LINK = "https://app.example.org/l/secret"


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


class Told:
    """Notices over a queue in memory."""

    def __init__(self, *failures, size=1000):
        self.events, self.time = Events(), Time()
        self.carrier, self.store = Carrier(*failures), MemoryMailQueueStore()
        lost = LostMails(self.events, self.time)
        queue = MailQueue(self.store, [KEY], give_up=lost, size=size, clock=self.time)
        delivery = MailDelivery(queue, self.carrier, LETTERS, give_up=lost, clock=self.time)
        self.notices = Notices(LETTERS, queue, delivery)

    @property
    def reasons(self):
        return [event.reason for event in self.events.noted]

    def link(self, until=2_000_000_000.0):
        asked = {"account_id": "ada-id", "link": LINK, "until": until, "lifetime": "1 hour"}
        return self.notices.asked_for("ada@example.org", "reset_password", **asked)


async def test_what_was_awaited_is_kept_and_then_sent():
    told = Told()
    await told.notices.tell(ADA, "password_changed", **seen(Client(address="192.0.2.1"), 0.0))
    assert len(told.store) == 1
    assert told.carrier.sent == []
    await told.notices.drain()
    (mail,) = told.carrier.sent
    assert mail.to == ADA.email
    assert "192.0.2.1, on 01 Jan 1970, 00:00 UTC" in mail.text
    assert mail.number
    assert len(told.store) == 0


async def test_what_was_not_awaited_is_kept_as_well():
    told = Told()
    waiting = told.notices.tell(ADA, "account_deleted")
    assert len(told.store) == 0
    await asyncio.sleep(0)
    assert len(told.store) == 1
    await waiting


async def test_a_link_is_for_a_store_to_keep_and_ends_with_it():
    told = Told()
    mail = told.link(until=told.time.now + 60)
    assert mail.expires_at == told.time.now + 60
    assert "secret" not in repr(mail) + mail.sealed
    told.store.keep(mail)
    told.notices.stored(mail)
    told.time.now += 60
    await told.notices.drain()
    assert (told.carrier.sent, told.reasons) == ([], ["it waited for too long"])


async def test_there_is_room_for_what_owners_must_know_beside_what_strangers_cause():
    told = Told(size=1)
    for mail in (told.link(), told.link()):
        told.notices.stored(mail, full=bool(told.store.keep(mail)))
    assert told.reasons == ["the queue is full"]
    await told.notices.tell(ADA, "password_changed")
    await told.notices.tell(ADA, "password_changed")
    assert told.reasons == ["the queue is full"] * 2
    assert told.store.keep(*told.notices.owed("a@b.org", "email_is_new", account_id="x")) == []
    assert len(told.store) == 3


@pytest.mark.parametrize("failures", [[MailError("no such mailbox", lasting=True)]])
async def test_a_mail_that_cannot_be_sent_is_recorded_without_its_address(caplog, failures):
    told = Told(*failures)
    await told.notices.tell(ADA, "account_deleted")
    await told.notices.drain()
    (event,) = told.events.noted
    assert (event.type, event.outcome) == (EventType.MAIL_FAILED, "error")
    assert (event.reason, event.target) == ("no such mailbox", "ada-id")
    assert event.details == {"notice": "account_deleted"}
    assert "ada@" not in str(event) + caplog.text


async def test_the_task_sends_by_itself_and_a_stop_sends_what_waits():
    told = Told()
    await told.notices.start()
    for _ in range(10):
        told.notices.tell(ADA, "account_deleted")
    await told.notices.stop()
    assert (len(told.carrier.sent), told.reasons) == (10, [])
    await told.notices.stop()


async def test_a_process_that_serves_nobody_leaves_mails_to_others():
    told = Told()
    told.notices.leave_to_servers()
    await told.notices.start()
    told.notices.tell(ADA, "account_deleted")
    await told.notices.stop()
    assert (len(told.carrier.sent), len(told.store)) == (0, 1)


async def test_without_a_queue_nothing_waits():
    notices = Notices(LETTERS)
    assert not notices.are_sent
    await notices.start()
    await notices.tell(ADA, "account_deleted")
    asked = {"account_id": "ada-id", "link": LINK, "until": 1.0}
    assert notices.asked_for("a@b.org", "reset_password", **asked) is None
    assert notices.owed("a@b.org", "email_is_new", account_id="ada-id") == ()
    notices.stored(None)
    await notices.drain()
    await notices.stop()


@pytest.mark.parametrize("queued", [True, False])
async def test_a_notice_without_words_is_a_mistake_in_code(queued):
    notices = Told().notices if queued else Notices(LETTERS)
    with pytest.raises(ConfigurationError, match="no notice"):
        notices.tell(ADA, "nonsense")
