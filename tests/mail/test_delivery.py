"""Mails are sent at least once, tried again, given up, and survive whoever sends them."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

import pytest

from tests.accounts.fakes import Time
from tests.mail.killed import KEY, LETTERS, NOW, Stuck, draft
from tests.start import SCHEMA
from zenith.kernel.errors import ServiceUnavailableError
from zenith.kernel.keys import Secret
from zenith.kernel.one_step import one_step
from zenith.mail import MailDelivery, MailError, MailQueue, compose
from zenith.stores.memory import MemoryMailQueueStore
from zenith.stores.sql import Database, SqlMailQueueStore

OTHER_KEY = Secret("oJ4mQ8zPf2LkVb7NcXw5RtYs9HdGa3Ue6iTn1BpZvM0r")


class Carrier:
    def __init__(self, *failures):
        self.failures = list(failures)
        self.sent = []

    async def send(self, mail):
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(mail)


class Away(MemoryMailQueueStore):
    """Does not answer."""

    async def add(self, mails):
        raise ServiceUnavailableError(reason="no database")

    async def claim(self, claim, *, now, until, limit):
        raise ServiceUnavailableError(reason="no database")


class Sending:
    def __init__(self, *failures, store=None, mailer=None, keys=(KEY,), **more):
        self.time, self.lost = Time(), []
        self.store = MemoryMailQueueStore() if store is None else store
        self.carrier = mailer or Carrier(*failures)
        given = {"give_up": self.give_up, "clock": self.time}
        self.queue = MailQueue(self.store, keys, **given)
        self.delivery = MailDelivery(self.queue, self.carrier, LETTERS, **(given | more))

    def give_up(self, draft, reason):
        self.lost.append((draft and draft.notice, reason))


async def settle():
    for _ in range(30):
        await asyncio.sleep(0)


async def test_pauses_grow_until_it_is_given_up():
    sending = Sending(*[MailError("away")] * 4, attempts=4)
    await sending.queue.put(draft())
    began, pauses = sending.time.now, []
    for _ in range(3):
        await sending.delivery.drain()
        due = await sending.store.next_due()
        pauses.append(due - sending.time.now)
        sending.time.now = due - 0.1
        await sending.delivery.drain()
        sending.time.now = due
    await sending.delivery.drain()
    assert pauses == pytest.approx([5.0, 20.0, 80.0])
    assert sending.lost == [("hello", "away")]
    assert sending.time.now - began == pytest.approx(105.0)
    assert len(sending.store) == 0


async def test_no_pause_is_longer_than_an_hour():
    sending = Sending(*[MailError("away")] * 9, attempts=9)
    await sending.queue.put(draft())
    for _ in range(8):
        await sending.delivery.drain()
        due = await sending.store.next_due()
        pause, sending.time.now = due - sending.time.now, due
    assert pause == pytest.approx(3600.0)


async def test_a_mail_of_a_broken_template_or_an_unknown_kind_is_given_up():
    sending = Sending()
    await sending.queue.put(draft(notice="gone"))
    await sending.delivery.drain()
    assert sending.lost == [("gone", "there is no notice `gone`")]


async def test_a_mailer_that_breaks_stops_nothing(caplog):
    sending = Sending(RuntimeError("secret"), attempts=2)
    await sending.queue.put(draft())
    await sending.queue.put(draft())
    await sending.delivery.drain()
    assert len(sending.carrier.sent) == 1
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text
    sending.carrier.failures = [RuntimeError("again")]
    for _ in range(2):
        sending.time.now += 60
        await sending.delivery.drain()
    assert sending.lost == [("hello", "it was taken too often")]


async def test_a_mailer_that_hangs_costs_a_bounded_time():
    sending = Sending(mailer=Stuck(), patience=0.01, attempts=1)
    await sending.queue.put(draft())
    await sending.delivery.drain()
    assert sending.lost == [("hello", "the mail server took too long")]


async def test_a_queue_of_another_key_or_row_is_not_read():
    sending = Sending()
    await sending.queue.put(draft())
    await sending.queue.put(draft())
    one, two = sending.store._mails.values()
    sealed = one.mail.sealed
    object.__setattr__(one.mail, "sealed", two.mail.sealed)
    await sending.delivery.drain()
    assert sending.lost == [(None, "no key of ours opens it")]
    assert sealed != two.mail.sealed
    old = Sending(store=sending.store)
    await old.queue.put(draft())
    fresh = Sending(store=sending.store, keys=[OTHER_KEY, KEY])
    await fresh.delivery.drain()
    assert len(fresh.carrier.sent) == 1


async def test_a_store_that_does_not_answer_loses_no_request(caplog):
    sending = Sending(store=Away())
    await sending.queue.put(draft())
    assert sending.lost == [("hello", "no database")]
    await sending.delivery.start()
    await sending.delivery.start()
    await settle()
    assert "mails wait: no database" in caplog.text
    await sending.delivery.stop()


async def test_what_the_store_does_not_keep_up_with_is_bounded(monkeypatch):
    monkeypatch.setattr("zenith.mail.queue.MAX_PENDING", 2)
    sending = Sending()
    for _ in range(3):
        sending.queue.put(draft())
    assert (sending.queue.pending, len(sending.lost)) == (2, 1)
    await sending.queue.settle()
    assert (sending.queue.pending, len(sending.store)) == (0, 2)


async def test_the_task_wakes_for_what_is_stored_and_a_stop_is_bounded(monkeypatch):
    monkeypatch.setattr("zenith.mail.delivery.STOP_TIMEOUT", 0.01)
    sending = Sending()
    await sending.delivery.start()
    await settle()
    await sending.queue.put(draft())
    await settle()
    assert len(sending.carrier.sent) == 1
    await sending.delivery.stop()
    stuck = Sending(mailer=Stuck())
    await stuck.delivery.start()
    await stuck.queue.put(draft())
    await settle()
    await stuck.delivery.stop()
    assert (len(stuck.store), stuck.lost) == (1, []), "it is due again"


async def test_two_copies_of_a_mail_have_one_name():
    sending = Sending(store=Forgetful())
    await sending.queue.put(draft())
    for _ in range(2):
        await sending.delivery.round()
        sending.time.now += 60
    names = {
        compose(mail, sender="no-reply@example.org", at=0.0)["Message-ID"]
        for mail in sending.carrier.sent
    }
    assert (len(sending.carrier.sent), len(names)) == (2, 1)


class Forgetful(MemoryMailQueueStore):
    """As if whoever sent a mail died before it could say so."""

    async def remove(self, mail_id, claim):
        return False


async def test_a_mail_is_part_of_the_step_in_which_it_is_told(tmp_path):
    async with Database(f"sqlite:///{tmp_path}/mails.db") as database:
        await SCHEMA.upgrade(database)
        sending = Sending(store=SqlMailQueueStore(database))
        with suppress(KeyError):
            async with one_step():
                await sending.queue.put(draft())
                raise KeyError
        assert await sending.store.next_due() is None
        async with one_step():
            await sending.queue.put(draft())
        assert await sending.store.next_due() == sending.time.now


async def test_a_process_that_is_killed_loses_nothing(tmp_path):
    """It is killed while it holds four of six mails; another one sends all, when it may."""
    url = f"sqlite:///{tmp_path}/mails.db"
    async with Database(url) as database:
        await SCHEMA.upgrade(database)
        code = [sys.executable, "-m", "tests.mail.killed", url]
        child = await asyncio.create_subprocess_exec(*code, stdout=asyncio.subprocess.PIPE)
        assert child.stdout is not None
        said = await child.stdout.readline()
        child.kill()
        await child.wait()
        assert said == b"holding 4\n"
        kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert b"zenith_mail_queue" in kept
        assert b"used-once" not in kept
        sending = Sending(store=SqlMailQueueStore(database))
        sending.time.now = NOW
        await sending.delivery.drain()
        assert len(sending.carrier.sent) == 2
        sending.time.now += 60
        await sending.delivery.drain()
        assert sorted(mail.to for mail in sending.carrier.sent) == [
            f"ada{number}@example.org" for number in range(6)
        ]
        assert await sending.store.next_due() is None
