"""Queues of mails behave alike in every store."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.conftest import Place
from zenith.accounts.store import Account, MailLink
from zenith.mail import MailQueueStore, QueuedMail
from zenith.stores.memory import MemoryAccountStore, MemoryMailLinkStore, MemoryMailQueueStore
from zenith.stores.sql import SqlAccountStore, SqlMailLinkStore, SqlMailQueueStore

NOW = 1_700_000_000.0


@pytest.fixture
def queue(place: Place) -> MailQueueStore:
    return MemoryMailQueueStore() if place.database is None else SqlMailQueueStore(place.database)


def a_mail(number: int = 0, *, at: float = NOW, room: int | None = None) -> QueuedMail:
    return QueuedMail(
        id=f"mail{number:04}",
        sealed=f"sealed{number}",
        created_at=at,
        expires_at=at + 1000,
        room=room,
    )


async def claim(
    queue: MailQueueStore, name: str, *, now: float = NOW, limit: int = 10
) -> list[str]:
    found = await queue.claim(name, now=now, until=now + 60, limit=limit)
    return [mail.id for mail in found]


async def test_what_waits_is_taken_once_the_oldest_first(queue: MailQueueStore) -> None:
    assert await queue.next_due() is None
    assert await claim(queue, "a") == []
    assert await queue.add([a_mail(2, at=NOW - 1), a_mail(1, at=NOW - 2), a_mail(3)]) == []
    assert await queue.add([]) == []
    assert await queue.next_due() == NOW - 2
    (mail,) = await queue.claim("a", now=NOW, until=NOW + 60, limit=1)
    assert (mail.id, mail.sealed, mail.attempts) == ("mail0001", "sealed1", 1)
    assert mail.expires_at == NOW - 2 + 1000
    assert await claim(queue, "b") == ["mail0002", "mail0003"]
    assert await claim(queue, "c") == []
    assert await queue.next_due() == NOW + 60


async def test_a_claim_that_ran_out_is_anothers(queue: MailQueueStore) -> None:
    await queue.add([a_mail()])
    await claim(queue, "dead")
    assert await claim(queue, "b", now=NOW + 59.9) == []
    (mail,) = await queue.claim("b", now=NOW + 60, until=NOW + 120, limit=1)
    assert mail.attempts == 2
    assert not await queue.remove(mail.id, "dead")
    assert not await queue.postpone(mail.id, "dead", until=NOW + 61)
    assert await queue.remove(mail.id, "b")
    assert not await queue.remove(mail.id, "b")
    assert not await queue.postpone(mail.id, "b", until=NOW)
    assert await queue.next_due() is None


async def test_a_mail_that_is_given_back_waits(queue: MailQueueStore) -> None:
    await queue.add([a_mail()])
    await claim(queue, "a")
    assert await queue.postpone("mail0000", "a", until=NOW + 5)
    assert not await queue.remove("mail0000", "a")
    assert await queue.next_due() == NOW + 5
    assert await claim(queue, "a", now=NOW + 4.9) == []
    assert await claim(queue, "a", now=NOW + 5) == ["mail0000"]


async def test_there_is_room_for_so_many(queue: MailQueueStore) -> None:
    mails = [a_mail(number, room=2) for number in range(3)]
    assert [mail.id for mail in await queue.add(mails)] == ["mail0002"]
    assert await queue.add([a_mail(3, room=3), a_mail(4, room=3)]) == [a_mail(4)]
    assert await queue.add([a_mail(5)]) == []
    assert len(await claim(queue, "a")) == 4


async def test_what_nobody_takes_is_removed_in_the_end(queue: MailQueueStore) -> None:
    await queue.add([a_mail(1), a_mail(2, at=NOW + 1)])
    assert await queue.prune(before=NOW + 1000) == 0
    assert await queue.prune(before=NOW + 1000.5) == 1
    assert await claim(queue, "a", now=NOW + 2000) == ["mail0002"]


async def test_of_many_who_claim_each_mail_goes_to_one(queue: MailQueueStore) -> None:
    await queue.add([a_mail(number) for number in range(60)])
    taken = await asyncio.gather(*(claim(queue, f"c{each}", limit=4) for each in range(30)))
    while more := await claim(queue, "rest", limit=10):
        taken.append(more)
    names = [name for each in taken for name in each]
    assert len(names) == len(set(names)) == 60
    assert max(len(each) for each in taken) <= 10


async def test_a_link_and_its_mail_are_one_step(place: Place) -> None:
    if place.database is None:
        accounts, queue = MemoryAccountStore(), MemoryMailQueueStore()
        links = MemoryMailLinkStore(accounts, queue=queue)
    else:
        accounts, queue = SqlAccountStore(place.database), SqlMailQueueStore(place.database)
        links = SqlMailLinkStore(place.database)
    ada = Account(id="ada", email="ada@a.org", email_key="ada@a.org", created_at=NOW)
    await accounts.create(ada)

    def link(name: str, purpose: str, email: str = "ada@a.org") -> MailLink:
        return MailLink(
            digest=name,
            purpose=purpose,
            account_id="ada",
            email=email,
            email_key=email,
            password_changed_at=None,
            created_at=NOW,
            expires_at=NOW + 60,
        )

    assert await links.issue(link("d1", "reset_password"))
    assert await links.issue(link("d2", "reset_password"), mail=a_mail(1, room=1))
    assert not await links.issue(link("d3", "change_email", "eve@a.org"), mail=a_mail(2, room=1))
    changed = await links.change_email(
        "d3", revert="back", now=NOW, until=NOW + 9, mails=lambda change: [a_mail(3)]
    )
    assert changed is not None
    assert await claim(queue, "a") == ["mail0001", "mail0003"]
    again = await links.change_email(
        "d3", revert="more", now=NOW, until=NOW + 9, mails=lambda change: [a_mail(4)]
    )
    assert again is None
    assert await claim(queue, "a") == []
