"""Takes mails out of a queue and never finishes: `python -m tests.mail.killed URL`."""

from __future__ import annotations

import asyncio
import sys

from zenith.kernel.keys import Secret
from zenith.mail import Draft, Letters, Mail, MailDelivery, MailQueue, Wording
from zenith.mail.delivery import SENDERS
from zenith.stores.sql import Database, SqlMailQueueStore

KEY = Secret("kX3vN8qLz1TgWb6YpRj4HsDc9MfUe2Ao7iVn5xQy0tZw")
NOW = 1_700_000_000.0
LETTERS = Letters(
    {"hello": Wording(subject="Hello", paragraphs=("Hello.",), button="Open")},
    application="Zenith",
    origin="https://app.example.org",
)


class Stuck:
    """Takes mails and never answers."""

    def __init__(self) -> None:
        self.holding = 0

    async def send(self, mail: Mail) -> None:
        self.holding += 1
        if self.holding == SENDERS:
            sys.stdout.write(f"holding {self.holding}\n")
            sys.stdout.flush()
        await asyncio.Event().wait()


def draft(notice: str = "hello", number: int = 0) -> Draft:
    link = "https://app.example.org/used-once"
    return Draft(to=f"ada{number}@example.org", notice=notice, account_id="ada", link=link)


async def main(url: str) -> None:
    def lost(found: Draft | None, reason: str) -> None:
        raise AssertionError(reason)

    async with Database(url) as database:
        store = SqlMailQueueStore(database)
        queue = MailQueue(store, [KEY], give_up=lost, clock=lambda: NOW)
        delivery = MailDelivery(queue, Stuck(), LETTERS, give_up=lost, clock=lambda: NOW)
        await asyncio.gather(*(queue.put(draft(number=number)) for number in range(6)))
        await delivery.start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
