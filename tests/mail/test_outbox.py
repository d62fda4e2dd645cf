"""Mails that are kept instead of sent."""

from __future__ import annotations

import logging

from zenith.mail import Mail, Outbox


def mail(number):
    return Mail(to="a@x.org", subject=f"{number}", text="secret", html="secret", kind="k")


async def test_it_keeps_the_last_hundred(caplog):
    caplog.set_level(logging.INFO, "zenith.mail")
    outbox = Outbox(clock=lambda: 5.0)
    for number in range(1, 103):
        await outbox.send(mail(number))
    entries = outbox.entries()
    assert (len(entries), entries[0].number, entries[-1].number) == (100, 102, 3)
    assert (entries[0].mail.subject, entries[0].at) == ("102", 5.0)
    assert outbox.entry(2) is None
    assert outbox.entry(102) is entries[0]
    assert "number 102 in /outbox" in caplog.text
    assert "secret" not in caplog.text
    assert "a@x.org" not in caplog.text
